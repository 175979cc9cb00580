// Invites, removes, promotes and demotes a guest.
import { Mismatch, type GuestAct } from "./acts.ts";
import type { PlayedRoom } from "./room.ts";

export async function playGuestAct({ owner, guests, path }: PlayedRoom, act: GuestAct) {
  const guest = guests[act.guest];
  if (!("byThemselves" in act)) {
    const role = act.kind === "promote" ? "moderator" : "member";
    await owner.api("PATCH", `${path}/participants/${guest.id}`, { role });
  } else if (act.kind === "invite") {
    await owner.api("POST", `${path}/invite`, { username: guest.username });
  } else if (act.byThemselves) await guest.api("POST", `${path}/leave`);
  else await owner.api("DELETE", `${path}/participants/${guest.id}`);
}

/** Notes that a guest's act took the log's next number. @throws Mismatch if there was nothing to change */
export function applyGuestAct({ model, guests, members, moderators }: PlayedRoom, act: GuestAct) {
  const { id: userId } = guests[act.guest];
  const isIn = members.has(userId);
  const isModerator = moderators.has(userId);
  switch (act.kind) {
    case "promote":
    case "demote":
      model.add({ kind: "participant_updated", userId });
      if (!isIn || isModerator === (act.kind === "promote")) break;
      if (isModerator) moderators.delete(userId);
      else moderators.add(userId);
      return;
    case "remove":
      model.add({ kind: "participant_removed", userId });
      if (!isIn) break;
      members.delete(userId);
      moderators.delete(userId);
      return;
    case "invite":
      model.add({ kind: "participant_added", userId });
      if (isIn) break;
      members.add(userId);
      return;
  }
  throw new Mismatch(`${act.kind} for nothing`);
}

/**
 * @param before the people and the moderators before the step
 * @throws Mismatch if an act took no number, and should have
 */
export function expectNothingToDo(
  { guests }: PlayedRoom,
  { kind, guest }: GuestAct,
  before: { members: ReadonlySet<number>; moderators: ReadonlySet<number> },
) {
  const { id } = guests[guest];
  const wasIn = before.members.has(id);
  const isChange =
    kind === "promote" || kind === "demote"
      ? wasIn && before.moderators.has(id) !== (kind === "promote")
      : wasIn === (kind === "remove");
  if (isChange) throw new Mismatch(`${kind} did nothing`);
}
