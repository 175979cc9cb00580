// The part of the checker that looks at presence: nobody is told of strangers, who is gone does not stay online, and at the end
// everybody is shown as what they are.
import type { History, PresenceRecord, Report, Tape, TapeEvent, Violation } from "./history.ts";

/** Somebody whose server was killed is shown as online for at most so long. */
export const goneMsMax = 30_000;

export function checkPresence({ presence, tapes }: History): Violation[] {
  return tapes.flatMap((tape) => {
    const found: Violation[] = [];
    const report: Report = (rule, detail) =>
      found.push({ rule, detail: `${detail} (seen by ${tape.name})` });
    const shown = checkTape(presence, tape, report);
    if (shown.isWatching) checkEnd(presence, tape, shown, report);
    return found;
  });
}

interface Shown {
  /** Statuses by person, as the current socket was told them. */
  statuses: Map<number, string>;
  /** Everybody whom the current socket has asked for. */
  watched: Set<number>;
  isWatching: boolean;
}

function checkTape(presence: PresenceRecord, tape: Tape, report: Report): Shown {
  const shown: Shown = { statuses: new Map(), watched: new Set(), isWatching: false };
  let isLate = false;
  for (const event of tape.events) {
    play(presence, tape.userId, event, shown, report);
    const { absent } = presence;
    if (isLate || !absent || event.at <= absent.lostAt + goneMsMax) continue;
    isLate = (shown.statuses.get(absent.userId) ?? "offline") !== "offline";
    if (isLate) report("online though gone", `user ${absent.userId}`);
  }
  return shown;
}

function play(
  { strangers }: PresenceRecord,
  watcherId: number,
  event: TapeEvent,
  shown: Shown,
  report: Report,
) {
  if (!("frame" in event)) {
    shown.statuses.clear();
    shown.watched.clear();
    return;
  }
  const { frame } = event;
  if (event.kind === "out") {
    if (frame.type !== "watch_presence") return;
    shown.isWatching = true;
    shown.watched = shown.watched.union(new Set(frame.user_ids));
    return;
  }
  if (frame.type !== "presence") return;
  for (const { user_id: userId, status, last_seen_at: lastSeenAt } of frame.users ?? []) {
    const name = `user ${userId} ${status}`;
    if (!shown.watched.has(userId)) report("presence unasked", name);
    const isStranger =
      userId !== watcherId && (strangers.includes(userId) || strangers.includes(watcherId));
    const isUnknown = status === "offline" && (lastSeenAt ?? null) === null;
    if (isStranger && !isUnknown) report("presence of a stranger", name);
    shown.statuses.set(userId, status);
  }
}

/** A socket that is open at the end shows what everybody is. */
function checkEnd(
  presence: PresenceRecord,
  tape: Tape,
  { statuses, watched }: Shown,
  report: Report,
) {
  if (tape.events.findLast((event) => !("frame" in event))?.kind !== "opened") {
    return report("not connected at the end", tape.name);
  }
  if (watched.size === 0) report("presence never asked for", tape.name);
  for (const userId of watched) {
    const [is, told] = [statusFor(presence, tape.userId, userId), statuses.get(userId)];
    if (told !== is) report("presence is not the truth", `user ${userId} is ${is}, shown ${told}`);
  }
}

/** The status of another person that a person must be shown at the end. */
export function statusFor(
  { statuses, together }: Pick<PresenceRecord, "statuses" | "together">,
  watcherId: number,
  userId: number,
): string {
  const isKnown = watcherId === userId || together.has(`${watcherId} ${userId}`);
  return (isKnown ? statuses.get(userId) : undefined) ?? "offline";
}
