// Messages on their way: each is sent under its own client_id, again and again, until the server has it for certain or
// refuses it for good. Those of one chat go one after the other, so that they arrive in the order they were written in.
import type { ServerFrame } from "../wire/frames.ts";
import { createAlarm, type Alarm } from "./alarm.ts";
import type { PauseMs } from "./close-plans.ts";
import type { Connection } from "./connection.ts";
import { ProblemError, problemOfFrame } from "./problem-error.ts";
import type { Timing } from "./timing.ts";

/**
 * - `queued`: waits for its turn, for a socket, or because the server asked for a pause
 * - `sending`: it was sent, and nothing is known yet
 * - `sent`: it is stored; its message is about to appear in the room
 * - `failed`: `problem` says why; it can be sent again, or discarded
 */
export interface PendingMessage {
  readonly client_id: string;
  readonly chat_id: number;
  readonly content: string;
  /** By this machine's clock. */
  readonly created_at: string;
  readonly state: "queued" | "sending" | "sent" | "failed";
  readonly problem: ProblemError | undefined;
}

export type SendResult =
  | { readonly ok: true; readonly message_id: number; readonly seq: number }
  | { readonly ok: false; readonly problem: ProblemError };

export interface Sending {
  readonly clientId: string;
  /** Never rejects. */
  readonly settled: Promise<SendResult>;
}

/** Messages that may be on their way at once, failed ones that nobody has discarded included. */
export const pendingMax = 200;
/** A server that wants a message later than this has refused it: a day's quota is not waited for. */
const waitSecondsMax = 30;
const transientCodes = /^(flood|unavailable|rate_limited|invalid_token)$/;
/** A frame of 64 KiB closes the socket; this leaves room for its other members. */
const contentBytesMax = 64 * 1024 - 512;

interface Item {
  pending: PendingMessage;
  /** The number of its message, once that is known. */
  seq: number | undefined;
  /** When it is given up. */
  alarm: Alarm;
  settle: (result: SendResult) => void;
}

/** What is under way to one chat. */
interface Lane {
  item: Item | undefined;
  /** A pause that the server asked for. */
  alarm: Alarm;
  tries: number;
}

export type Outbox = ReturnType<typeof createOutbox>;

export function createOutbox({
  connection,
  timing,
  pauseMs,
  onChange,
  onStored,
}: {
  connection: Pick<Connection, "whenOpen" | "ask">;
  timing: Pick<Timing, "replyMs" | "giveUpMs">;
  pauseMs: PauseMs;
  onChange: (chatId: number) => void;
  /** It is stored under this number. @returns whether a room is about to show it */
  onStored: (chatId: number, seq: number) => boolean | undefined;
}) {
  let items: Item[] = [];
  /** Of all chats that something was sent to. */
  const lanes = new Map<number, Lane>();

  const find = (clientId: string) => items.find(({ pending }) => pending.client_id === clientId);
  const findFailed = (clientId: string) => {
    const item = find(clientId);
    return item?.pending.state === "failed" ? item : undefined;
  };

  function laneOf(chatId: number): Lane {
    const lane = lanes.get(chatId) ?? { item: undefined, alarm: createAlarm(), tries: 0 };
    lanes.set(chatId, lane);
    return lane;
  }

  function change(item: Item, state: PendingMessage["state"], problem?: ProblemError) {
    item.pending = { ...item.pending, state, problem };
    onChange(item.pending.chat_id);
  }

  function finish(item: Item, result: SendResult) {
    item.alarm.clear();
    item.settle(result);
  }

  function fail(item: Item, problem: ProblemError) {
    finish(item, { ok: false, problem });
    change(item, "failed", problem);
  }

  function remove(item: Item) {
    items = items.filter((other) => other !== item);
    onChange(item.pending.chat_id);
  }

  function pump(chatId: number) {
    const lane = laneOf(chatId);
    const item = items.find(
      ({ pending }) => pending.chat_id === chatId && pending.state === "queued",
    );
    if (!item || lane.item || lane.alarm.isSet || !connection.whenOpen()) return;
    const { client_id, content } = item.pending;
    lane.item = item;
    change(item, "sending");
    const frame = { type: "message" as const, chat_id: chatId, content, client_id };
    connection.ask(frame, timing.replyMs, (reply) => {
      if (lane.item === item) lane.item = undefined;
      // Else its message was seen in the room before.
      if (items.includes(item)) hear(item, lane, reply);
      pump(chatId);
    });
  }

  function hear(item: Item, lane: Lane, reply: ServerFrame | undefined) {
    const { chat_id: chatId, state } = item.pending;
    if (reply?.type === "ack") {
      const { message_id = 0, seq = 0 } = reply;
      lane.tries = 0;
      item.seq = seq;
      finish(item, { ok: true, message_id, seq });
      return onStored(chatId, seq) ? change(item, "sent") : remove(item);
    }
    // It was given up meanwhile.
    if (state === "failed") return;
    if (reply?.type !== "error") return change(item, "queued");
    const problem = problemOfFrame(reply);
    if (!isTransient(problem)) return fail(item, problem);
    const ms = Math.max((problem.retryAfterSeconds ?? 0) * 1_000, pauseMs(lane.tries));
    lane.tries += 1;
    lane.alarm.set(ms, () => pump(chatId));
    change(item, "queued");
  }

  /** To the end of the queue. */
  function add(item: Item): Sending {
    const { chat_id: chatId, client_id: clientId } = item.pending;
    const settled = new Promise<SendResult>((resolve) => {
      item.settle = resolve;
    });
    item.alarm.set(timing.giveUpMs, () => {
      fail(item, new ProblemError("not_sent", "The message was not sent in time."));
    });
    items = [...items.filter((other) => other !== item), item];
    change(item, "queued");
    pump(chatId);
    return { clientId, settled };
  }

  return {
    /** What is not in the room yet, in the order in which it was written. */
    pendingOf(chatId: number): PendingMessage[] {
      const all = items.map(({ pending }) => pending);
      return all.filter(({ chat_id }) => chat_id === chatId);
    },

    send(chatId: number, content: string): Sending {
      const clientId = makeClientId();
      const problem = refusalOf(content, items.length);
      if (problem) return { clientId, settled: Promise.resolve({ ok: false, problem }) };
      const pending: PendingMessage = {
        client_id: clientId,
        chat_id: chatId,
        content,
        created_at: new Date().toISOString(),
        state: "queued",
        problem: undefined,
      };
      return add({ pending, seq: undefined, alarm: createAlarm(), settle: () => {} });
    },

    /** Sends a failed message again, under the same client_id: it may have been stored after all. */
    retry(clientId: string): Sending | undefined {
      const item = findFailed(clientId);
      return item && add(item);
    },

    /** Forgets a failed message. */
    discard(clientId: string) {
      const item = findFailed(clientId);
      if (item) remove(item);
    },

    /** A message of one's own is in the room. */
    seen(chatId: number, clientId: string, message_id: number, seq: number) {
      const item = find(clientId);
      if (item?.pending.chat_id !== chatId) return;
      finish(item, { ok: true, message_id, seq });
      remove(item);
      const lane = laneOf(chatId);
      if (lane.item === item) lane.item = undefined;
      pump(chatId);
    },

    /** The room has everything up to a number: what was stored up to there is in it. */
    reached(chatId: number, position: number) {
      for (const item of items) {
        if (item.pending.chat_id === chatId && (item.seq ?? Infinity) <= position) remove(item);
      }
    },

    /** There is a socket. */
    flush() {
      for (const chatId of lanes.keys()) pump(chatId);
    },

    /** Whoever waits is told that it failed. */
    clear(problem: ProblemError) {
      for (const { alarm } of lanes.values()) alarm.clear();
      lanes.clear();
      for (const item of items) finish(item, { ok: false, problem });
      items = [];
    },
  };
}

function isTransient({ code, retryAfterSeconds }: ProblemError): boolean {
  return retryAfterSeconds === undefined
    ? transientCodes.test(code)
    : retryAfterSeconds <= waitSecondsMax;
}

function refusalOf(content: string, count: number): ProblemError | undefined {
  if (count >= pendingMax) return new ProblemError("queue_full", "Too many messages wait.");
  // The frame's own length: quotes and control characters grow in JSON.
  const { length } = new TextEncoder().encode(JSON.stringify(content));
  if (length > contentBytesMax) return new ProblemError("too_large", "The message is too long.");
}

/** 128 random bits. `crypto.randomUUID` is missing on pages that came over plain HTTP. */
function makeClientId(): string {
  return crypto.getRandomValues(new Uint32Array(4)).join("-");
}
