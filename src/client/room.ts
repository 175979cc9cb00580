// One room as it is to be shown. Its numbers 1, 2, 3 … tell what is missing: a frame that comes too early waits for those
// before it, and what does not come is asked for by joining again after the last number that is held.
import type { Chat, Participant } from "../wire/chats.ts";
import type { DurableFrame, JoinedFrame, RoomFrame, ServerFrame } from "../wire/frames.ts";
import type { Message } from "../wire/messages.ts";
import type { Api } from "./api.ts";
import type { Connection, Timing } from "./connection.ts";
import { observe, type Observable } from "./observable.ts";
import type { Outbox, PendingMessage, Sending } from "./outbox.ts";
import { asProblemError, ProblemError, type ProblemErrorCode } from "./problem-error.ts";
import { createReadMark } from "./read-mark.ts";
import {
  createRoomLog,
  isDurable,
  messageOf,
  messagesMax,
  numberOf,
  type Person,
} from "./room-log.ts";
import { createTypists } from "./typists.ts";
import type { z } from "zod";

/**
 * - `loading`: nothing can be shown yet
 * - `live`: everything that happens is seen at once
 * - `catching_up`: what is shown may lack something, which is on its way
 * - `offline`: what is shown is of the time when the socket was lost
 * - `gone`: the chat was deleted, or we are not in it; `problem` says it
 */
export type RoomState = "loading" | "live" | "catching_up" | "offline" | "gone";

export interface RoomSnapshot {
  readonly state: RoomState;
  /** Undefined until the room was loaded. */
  readonly chat: Chat | undefined;
  readonly participants: readonly Participant[];
  /** In the order of `seq`, without gaps; a running answer's text grows in it. */
  readonly messages: readonly Message[];
  /** Our own that are not among the messages yet, in the order in which they were written. */
  readonly pending: readonly PendingMessage[];
  /** Who has the room open. */
  readonly online: readonly Person[];
  /** Who has written something in the last seconds. */
  readonly typing: readonly Person[];
  /** Whether there are messages before the first: see `loadOlder`. */
  readonly hasOlder: boolean;
  readonly loadingOlder: boolean;
  /** Why the room is gone, or could not be loaded at the last try. */
  readonly problem: ProblemError | undefined;
}

export interface Room extends Observable<RoomSnapshot> {
  readonly chatId: number;
  /** Shows the message at once as pending, and delivers it over reconnects. */
  send(content: string): Sending;
  /** Sends a failed message again. @returns undefined if there is no such failed message */
  retry(clientId: string): Sending | undefined;
  /** Forgets a failed message. */
  discard(clientId: string): void;
  /** We are writing. To be called at every key: others are told at most once in 3 s. */
  typing(): void;
  /**
   * Loads the page before the first message, unless 5,000 are held already.
   * @throws ProblemError
   * @returns whether there are still older ones to load
   */
  loadOlder(): Promise<boolean>;
  /** We have read up to a number; default: the newest message held. Only moves forward. Never throws: it's tried again. */
  markRead(seq?: number): void;
  /** Ends a running answer with what it has. @throws ProblemError `answer_ended` */
  stop(messageId: number): Promise<Message>;
  /** Asks the question of an answer again. @throws ProblemError `answer_running`, `quota_exceeded` @returns the new answer */
  regenerate(messageId: number): Promise<Message>;
  /** Stops listening. As often as the room was opened; messages that are pending are sent nevertheless. */
  close(): void;
}

export const pageSize = 50;
const reloadMax = 200;
/** Frames that wait for one before them, or for the room to be loaded. */
const framesMax = 1_000;
/** Updates of messages that are being loaded. */
const straysMax = 200;

export interface RoomParts {
  chatId: number;
  api: Api;
  connection: Connection;
  outbox: Outbox;
  timing: Timing;
  /** Milliseconds before try number `tries`. */
  pauseMs: (tries: number) => number;
  /** The person who is signed in. */
  ownId: () => number | undefined;
  onState: () => void;
  /** Something durable has happened here. */
  onNews: (chatId: number, message: Message | undefined) => void;
}

export type RoomInside = ReturnType<typeof createRoom>;

export function createRoom(parts: RoomParts) {
  const { chatId, api, connection, outbox, timing, pauseMs } = parts;
  const log = createRoomLog();
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
  /** Grows with each join and each loss, so that what belongs to an old one is known for it. */
  let turn = 0;
  let tries = 0;
  let problem: ProblemError | undefined;
  let loadingOlder = false;
  let lastTypingMs = 0;
  /** Frames that came before their turn, by number. */
  const early = new Map<number, DurableFrame>();
  /** Numbers that a replay has explained. */
  const replayed = new Set<number>();
  let queue: RoomFrame[] = [];
  let hasOverflowed = false;
  let strays: RoomFrame[] = [];
  let timer: ReturnType<typeof setTimeout> | undefined;
  let gapTimer: ReturnType<typeof setTimeout> | undefined;
  let isClosed = false;

  const observed = observe<RoomSnapshot>(() => ({
    state: stateNow(),
    chat: log.chat && { ...log.chat, last_seq: position },
    participants: log.participants,
    messages: log.messages,
    pending: outbox.pendingOf(chatId),
    online: log.online,
    typing: typists.list(),
    hasOlder: log.hasOlder,
    loadingOlder,
    problem,
  }));
  const typists = createTypists(() => observed.changed());
  const readMark = createReadMark({
    chatId,
    api,
    pauseMs,
    onMarked: () => parts.onNews(chatId, undefined),
  });

  function stateNow(): RoomState {
    if (phase === "gone") return "gone";
    if (!isLoaded) return connection.whenOpen() ? "loading" : "offline";
    if (phase === "joining" && isQuiet) return "live";
    return phase === "joining" || phase === "loading" ? "catching_up" : phase;
  }

  function changed() {
    observed.changed();
    parts.onState();
  }

  function after(ms: number, work: () => void) {
    clearTimeout(timer);
    timer = setTimeout(work, ms);
  }

  function join(quiet = false) {
    if (isClosed || !connection.whenOpen()) return;
    turn += 1;
    const own = turn;
    phase = "joining";
    isQuiet = quiet;
    replayed.clear();
    queue = [];
    hasHole = false;
    // The server knows of everything that we have heard of until now.
    expected = 0;
    for (const frame of early.values()) if (frame.type === "message") replay(frame);
    clearTimeout(timer);
    clearTimeout(gapTimer);
    gapTimer = undefined;
    changed();
    const frame = { type: "join" as const, chat_id: chatId };
    const request = isLoaded ? { ...frame, after_seq: position } : frame;
    connection.ask(request, timing.replyMs, (reply) => own === turn && answered(reply));
  }

  function answered(reply: ServerFrame | undefined) {
    if (reply?.type === "joined") return joined(reply);
    // The socket is gone, or the reply is late.
    if (reply?.type !== "error") return again(undefined);
    const { code, detail, retry_after: retryAfterSeconds } = reply;
    refused(new ProblemError(code as ProblemErrorCode, detail, { retryAfterSeconds }));
  }

  function refused(error: ProblemError) {
    problem = error;
    if (error.code !== "not_found") return again(error.retryAfterSeconds);
    turn += 1;
    phase = "gone";
    isLoaded = false;
    early.clear();
    changed();
  }

  /** Joins once more, after a pause. */
  function again(seconds: number | undefined) {
    if (!connection.whenOpen()) return;
    isQuiet = false;
    after(Math.max((seconds ?? 0) * 1_000, pauseMs(tries)), join);
    tries += 1;
    changed();
  }

  function joined(frame: z.infer<typeof JoinedFrame>) {
    if (frame.chat) replayed.add(frame.chat.updated_seq);
    const isWhole = isLoaded && frame.recovered && isExplained(position, frame.last_seq);
    if (!isWhole) {
      log.greet({ ...frame, chat: undefined, participants: undefined });
      return load(frame.last_seq);
    }
    log.greet(frame);
    settle(Math.max(position, frame.last_seq));
  }

  /** Whether a replay has brought something for each number. The contract promises it; a frame may be lost all the same. */
  function isExplained(from: number, to: number): boolean {
    for (let number = from + 1; number <= to; number += 1) {
      if (!replayed.has(number)) return false;
    }
    return true;
  }

  /** Everything up to a number is held, and what comes is live. */
  function settle(reached: number) {
    phase = "live";
    isLoaded = true;
    problem = undefined;
    if (reached > position) tries = 0;
    advance(reached);
    release();
    after(timing.resyncMs * (0.75 + Math.random() / 2), () => join(true));
    changed();
  }

  function advance(reached: number) {
    position = reached;
    outbox.reached(chatId, position);
  }

  /** Loads all that is shown anew. The room is live meanwhile: what happens is kept until then. */
  function load(reached: number) {
    turn += 1;
    const own = turn;
    phase = "loading";
    hasOverflowed = false;
    queue = [...early.values()];
    early.clear();
    changed();
    const limit = Math.min(Math.max(log.messages.length, pageSize), reloadMax);
    Promise.all([
      api.getChat(chatId),
      api.listParticipants(chatId),
      api.listMessages(chatId, { limit }),
    ]).then(
      ([chat, participants, page]) => {
        if (own !== turn) return;
        log.load({ chat, participants, ...page });
        for (const message of page.messages) arrived(message);
        const kept = queue;
        queue = [];
        settle(reached);
        for (const frame of kept) hear(frame);
        if (hasOverflowed) join();
      },
      (error) => {
        if (own === turn) refused(asProblemError(error));
      },
    );
  }

  function hear(frame: RoomFrame) {
    if (phase === "offline" || phase === "gone") return;
    if (phase === "loading") {
      if (queue.length < framesMax) queue.push(frame);
      else hasOverflowed = true;
    } else if (isDurable(frame)) {
      hearDurable(frame);
    } else if (phase === "live") {
      pass(frame);
    }
  }

  function hearDurable(frame: DurableFrame) {
    const number = numberOf(frame);
    if (phase === "joining") {
      if (frame.type === "message") replay(frame);
      if (number > position && early.size < framesMax) early.set(number, frame);
      return;
    }
    if (number <= position) return;
    if (early.size < framesMax) early.set(number, frame);
    release();
  }

  function replay(frame: DurableFrame & { type: "message" }) {
    const message = messageOf(frame);
    replayed.add(message.seq).add(message.updated_seq);
    if (!isLoaded) return;
    log.put(message);
    arrived(message);
  }

  /** What has come in its turn is shown; for what has not, a moment is waited. */
  function release() {
    for (const number of early.keys()) if (number <= position) early.delete(number);
    for (let frame = next(); frame; frame = next()) {
      early.delete(position + 1);
      advance(position + 1);
      tries = 0;
      pass(frame);
    }
    if (early.size > 0 || expected > position) awaitGap();
  }

  const next = () => early.get(position + 1);

  function pass(frame: RoomFrame) {
    if (frame.type === "typing") return typists.add(frame);
    const applied = log.apply(frame);
    if (applied === "hole") {
      hasHole = true;
      awaitGap();
    }
    if (applied === "unknown" && loadingOlder && strays.length < straysMax) strays.push(frame);
    if (frame.type === "message") {
      typists.remove(frame.user_id);
      arrived(messageOf(frame));
      parts.onNews(chatId, messageOf(frame));
    } else if (isDurable(frame)) {
      parts.onNews(chatId, undefined);
    }
    // Whether it is true, the server says.
    if (frame.type === "participant_removed" && frame.user_id === parts.ownId()) join();
    observed.changed();
  }

  /** One of our own is here: it is pending no longer. */
  function arrived(message: Message) {
    const { client_id, user_id, id, seq } = message;
    if (client_id !== null && user_id === parts.ownId()) outbox.seen(chatId, client_id, id, seq);
  }

  function awaitGap() {
    if (gapTimer !== undefined || phase !== "live") return;
    gapTimer = setTimeout(
      () => {
        gapTimer = undefined;
        const isMissing = early.size > 0 || expected > position || hasHole;
        if (phase !== "live" || !isMissing) return;
        tries += 1;
        join();
      },
      tries === 0 ? timing.gapMs : Math.max(timing.gapMs, pauseMs(tries)),
    );
  }

  async function loadOlder(): Promise<boolean> {
    const first = log.messages[0];
    if (loadingOlder || !log.hasOlder || !first) return log.hasOlder;
    if (log.messages.length + pageSize > messagesMax) return false;
    loadingOlder = true;
    strays = [];
    observed.changed();
    try {
      const page = await api.listMessages(chatId, { before_seq: first.seq, limit: pageSize });
      // Unless the room was loaded anew.
      if (log.messages[0]?.id === first.id) {
        log.prepend(page);
        for (const frame of strays) log.apply(frame);
      }
    } finally {
      loadingOlder = false;
      observed.changed();
    }
    return log.hasOlder;
  }

  const room: Omit<Room, "close"> = {
    chatId,
    ...observed.observable,
    send: (content) => outbox.send(chatId, content),
    retry: (clientId) => outbox.retry(clientId),
    discard: (clientId) => outbox.discard(clientId),
    typing() {
      if (Date.now() - lastTypingMs < typingMsMin) return;
      if (connection.post({ type: "typing", chat_id: chatId })) lastTypingMs = Date.now();
    },
    loadOlder,
    markRead: (seq) => readMark.reach(seq ?? log.messages.at(-1)?.seq ?? 0),
    stop: (messageId) => api.stopAnswer(chatId, messageId),
    regenerate: (messageId) => api.regenerateAnswer(chatId, messageId),
  };

  return {
    room,
    hear,
    join,
    get isSettled() {
      return phase === "gone" || stateNow() === "live";
    },
    get isGone() {
      return phase === "gone";
    },
    /** What is pending has changed. */
    changed: () => observed.changed(),
    /** The room has reached a number. */
    expect(seq: number) {
      expected = Math.max(expected, seq);
      if (phase === "live" && expected > position) awaitGap();
      return expected > position;
    },
    /** The socket is lost. */
    lost() {
      turn += 1;
      if (phase !== "gone") phase = "offline";
      early.clear();
      queue = [];
      clearTimeout(timer);
      clearTimeout(gapTimer);
      gapTimer = undefined;
      typists.clear();
      changed();
    },
    close() {
      isClosed = true;
      turn += 1;
      clearTimeout(timer);
      clearTimeout(gapTimer);
      typists.clear();
      readMark.close();
      observed.end();
      connection.post({ type: "leave", chat_id: chatId });
    },
  };
}

/** The server passes them on this often. */
const typingMsMin = 3_000;
