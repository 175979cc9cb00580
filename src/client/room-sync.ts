// Keeps what is known of one room up to date. Its numbers 1, 2, 3 … tell what is missing: a frame that comes too early
// waits for those before it, and what does not come is asked for by joining again after the last number that is held.
import type { JoinedFrame, MessageFrame, ServerFrame } from "../wire/frames.ts";
import { createAlarm } from "./alarm.ts";
import type { Api } from "./api.ts";
import type { PauseMs } from "./close-plans.ts";
import type { Connection } from "./connection.ts";
import { asProblemError, problemOfFrame, type ProblemError } from "./problem-error.ts";
import { messageOf, numberOf, type Misfit, type RoomLog } from "./room-log.ts";
import type { RoomState } from "./room-snapshot.ts";
import type { Timing } from "./timing.ts";
import type { z } from "zod";

export const pageSize = 50;
const reloadMax = 150;
/** Frames that wait for one before them, or for the room to be loaded. */
const framesMax = 1_000;

/** One more than is wanted tells whether there are older ones. @param limit at most 199 */
export async function loadPage(
  api: Pick<Api, "listMessages">,
  chatId: number,
  limit: number,
  before_seq?: number,
) {
  const messages = await api.listMessages(chatId, { limit: limit + 1, before_seq });
  return { messages: messages.slice(-limit), hasOlder: messages.length > limit };
}

export interface SyncParts {
  chatId: number;
  log: RoomLog;
  api: Pick<Api, "getChat" | "listParticipants" | "listMessages">;
  connection: Pick<Connection, "whenOpen" | "ask">;
  timing: Timing;
  pauseMs: PauseMs;
  on: {
    /** A frame was applied to the log in its turn. */
    applied(frame: ServerFrame, misfit: Misfit): void;
    /** Everything up to a number is held. */
    reached(position: number): void;
    change(): void;
  };
}

export type RoomSync = ReturnType<typeof createRoomSync>;

export function createRoomSync({ chatId, log, api, connection, timing, pauseMs, on }: SyncParts) {
  let phase: "offline" | "joining" | "loading" | "live" | "gone" = "offline";
  let isLoaded = false;
  /** A look at whether something was lost: nothing that anybody has to be told. */
  let isQuiet = false;
  /** Everything up to this number is held. */
  let position = 0;
  /** A number that the room is known to have reached. */
  let expected = 0;
  /** A running answer lacks some of its text. */
  let hasHole = false;
  /** Grows with each join, load and loss, so that what belongs to an old one is known for it. */
  let turn = 0;
  let tries = 0;
  let problem: ProblemError | undefined;
  /** Frames that came before their turn, by number. */
  const early = new Map<number, ServerFrame>();
  /** Numbers that a replay has explained. */
  const replayed = new Set<number>();
  let queue: ServerFrame[] = [];
  const alarm = createAlarm();
  const gapAlarm = createAlarm();

  function enter(next: typeof phase) {
    turn += 1;
    phase = next;
    queue = [];
    alarm.clear();
    gapAlarm.clear();
    on.change();
    return turn;
  }

  function join(quiet = false) {
    if (!connection.whenOpen()) return;
    isQuiet = quiet;
    hasHole = false;
    // The server knows of everything that we have heard of until now.
    expected = 0;
    replayed.clear();
    for (const frame of early.values()) if (frame.type === "message") replay(frame);
    const own = enter("joining");
    const after_seq = isLoaded ? position : undefined;
    connection.ask(
      { type: "join", chat_id: chatId, after_seq },
      timing.replyMs,
      (reply) => own === turn && answered(reply),
    );
  }

  function answered(reply: ServerFrame | undefined) {
    if (reply?.type === "joined") return joined(reply);
    // The socket is gone, or the reply is late.
    if (reply?.type !== "error") return again();
    refused(problemOfFrame(reply));
  }

  function refused(error: ProblemError) {
    problem = error;
    if (error.code !== "not_found") return again(error.retryAfterSeconds);
    isLoaded = false;
    early.clear();
    enter("gone");
  }

  /** Joins once more, after a pause. */
  function again(seconds = 0) {
    isQuiet = false;
    alarm.set(Math.max(seconds * 1_000, pauseMs(tries)), join);
    tries += 1;
    on.change();
  }

  function joined(frame: z.infer<typeof JoinedFrame>) {
    if (frame.chat) replayed.add(frame.chat.updated_seq);
    if (!isLoaded || !frame.recovered || !isExplained(frame.last_seq)) {
      log.greet({ ...frame, chat: undefined, participants: undefined });
      return load(frame.last_seq);
    }
    log.greet(frame);
    settle(Math.max(position, frame.last_seq));
  }

  /** Whether a replay has brought something for each number. The contract promises it; a frame may be lost all the same. */
  function isExplained(last: number): boolean {
    for (let number = position + 1; number <= last; number += 1) {
      if (!replayed.has(number)) return false;
    }
    return true;
  }

  /** Everything up to a number is held, and what comes is live. */
  function settle(reached: number) {
    if (reached > position) tries = 0;
    isLoaded = true;
    problem = undefined;
    enter("live");
    advance(reached);
    release();
    alarm.set(timing.resyncMs * (0.75 + Math.random() / 2), () => join(true));
  }

  function advance(reached: number) {
    position = reached;
    on.reached(position);
  }

  /** Loads all that is shown anew. The room is live meanwhile: what happens is kept until then. */
  function load(reached: number) {
    const own = enter("loading");
    queue = [...early.values()];
    early.clear();
    const limit = Math.min(Math.max(log.shown.messages.length, pageSize), reloadMax);
    Promise.all([
      api.getChat(chatId),
      api.listParticipants(chatId),
      loadPage(api, chatId, limit),
    ]).then(
      ([chat, participants, page]) => {
        if (own !== turn) return;
        const kept = queue;
        log.load({ chat, participants, ...page });
        settle(reached);
        for (const frame of kept) hear(frame);
      },
      (error) => {
        if (own === turn) refused(asProblemError(error));
      },
    );
  }

  function hear(frame: ServerFrame) {
    if (phase === "loading") {
      queue.push(frame);
      if (queue.length > framesMax) join();
      return;
    }
    if (phase !== "live" && phase !== "joining") return;
    const number = numberOf(frame);
    if (phase === "joining" && frame.type === "message") replay(frame);
    // One that is let go here leaves a gap, which is noticed.
    if (number !== undefined && number > position && early.size < framesMax) {
      early.set(number, frame);
    }
    if (phase !== "live") return;
    if (number === undefined) apply(frame);
    else release();
  }

  function replay(frame: z.infer<typeof MessageFrame>) {
    const message = messageOf(frame);
    replayed.add(message.seq).add(message.updated_seq);
    if (isLoaded) log.put(message);
  }

  /** What has come in its turn is shown; for what has not, a moment is waited. */
  function release() {
    for (const number of early.keys()) if (number <= position) early.delete(number);
    for (let frame = next(); frame; frame = next()) {
      early.delete(position + 1);
      advance(position + 1);
      tries = 0;
      apply(frame);
    }
    awaitGap();
  }

  const next = () => early.get(position + 1);
  const isMissing = () => early.size > 0 || expected > position || hasHole;

  function apply(frame: ServerFrame) {
    const misfit = log.apply(frame);
    if (misfit === "hole") {
      hasHole = true;
      awaitGap();
    }
    on.applied(frame, misfit);
  }

  function awaitGap() {
    if (gapAlarm.isSet || phase !== "live" || !isMissing()) return;
    const ms = tries === 0 ? timing.gapMs : Math.max(timing.gapMs, pauseMs(tries));
    gapAlarm.set(ms, () => {
      if (!isMissing()) return;
      tries += 1;
      join();
    });
  }

  return {
    join,
    hear,
    get problem() {
      return problem;
    },
    get position() {
      return position;
    },
    get state(): RoomState {
      if (phase === "gone") return "gone";
      if (!isLoaded) return connection.whenOpen() ? "loading" : "offline";
      if (phase === "joining" && isQuiet) return "live";
      return phase === "joining" || phase === "loading" ? "catching_up" : phase;
    },
    /** @returns whether a number that the room is known to have reached is still to come */
    expect(seq: number): boolean {
      expected = Math.max(expected, seq);
      awaitGap();
      return seq > position;
    },
    /** The socket is lost, or the room closed. */
    lose() {
      early.clear();
      enter(phase === "gone" ? "gone" : "offline");
    },
  };
}
