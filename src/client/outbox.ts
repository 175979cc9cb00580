import type { ServerFrame } from "../wire/frames.ts";
import type { PauseMs } from "./close-plans.ts";
import type { Connection } from "./connection.ts";
import type { PendingMessage, Sending, SendResult } from "./pending-message.ts";
import { ProblemError, problemOfFrame } from "./problem-error.ts";
import { Timer } from "./timer.ts";
import type { Timing } from "./timing.ts";

/** The largest number of pending messages, including failed ones that were not discarded. */
export const pendingMax = 200;
/** A message that the server wants to be sent later than this has failed: the client does not wait for a day's quota. */
const waitSecondsMax = 30;
const transientCodes = /^(flood|unavailable|rate_limited|invalid_token)$/;
/** The server closes a socket that sends a frame above 64 KiB; this leaves room for the frame's other members. */
const contentBytesMax = 64 * 1024 - 512;

interface Item {
  pending: PendingMessage;
  /** The number of the stored message, once it is known. */
  seq: number | undefined;
  /** Runs until the message has failed. */
  timer: Timer;
  settle: (result: SendResult) => void;
}

/** The queue of one chat. */
interface Lane {
  /** The message that is being sent. */
  item: Item | undefined;
  /** A pause that the server asked for. */
  timer: Timer;
  tries: number;
}

export interface OutboxOptions {
  connection: Pick<Connection, "isOpen" | "request">;
  timing: Pick<Timing, "replyMs" | "giveUpMs">;
  pauseMs: PauseMs;
  onChange: (chatId: number) => void;
  /** The message is stored under this number. @returns whether a room is about to show it */
  onStored: (chatId: number, seq: number) => boolean | undefined;
}

/**
 * The messages that are being sent. Each one is sent under its own client_id, and again until the server has stored or
 * refused it. Messages to one chat are sent one after another, so that they arrive in the order of writing.
 */
export class Outbox {
  readonly #options: OutboxOptions;
  #items: Item[] = [];
  /** By chat id. */
  readonly #lanes = new Map<number, Lane>();

  constructor(options: OutboxOptions) {
    this.#options = options;
  }

  /** The messages that the room does not show yet, in the order of writing. */
  pendingOf(chatId: number): PendingMessage[] {
    const all = this.#items.map(({ pending }) => pending);
    return all.filter(({ chat_id }) => chat_id === chatId);
  }

  send(chatId: number, content: string): Sending {
    const clientId = makeClientId();
    const problem = refusalOf(content, this.#items.length);
    if (problem) return { clientId, settled: Promise.resolve({ ok: false, problem }) };
    const pending: PendingMessage = {
      client_id: clientId,
      chat_id: chatId,
      content,
      created_at: new Date().toISOString(),
      state: "queued",
      problem: undefined,
    };
    return this.#add({ pending, seq: undefined, timer: new Timer(), settle: () => {} });
  }

  /** Sends a failed message again, under the same client_id: it may have been stored after all. */
  retry(clientId: string): Sending | undefined {
    const item = this.#findFailed(clientId);
    return item && this.#add(item);
  }

  /** Forgets a failed message. */
  discard(clientId: string): void {
    const item = this.#findFailed(clientId);
    if (item) this.#remove(item);
  }

  /** The room shows an own message. */
  seen(chatId: number, clientId: string, message_id: number, seq: number): void {
    const item = this.#find(clientId);
    if (item?.pending.chat_id !== chatId) return;
    finish(item, { ok: true, message_id, seq });
    this.#remove(item);
    const lane = this.#lane(chatId);
    if (lane.item === item) lane.item = undefined;
    this.#pump(chatId);
  }

  /** The room has everything up to a number, and so every message that was stored below it. */
  reached(chatId: number, position: number): void {
    for (const item of this.#items) {
      const { pending, seq = Infinity } = item;
      if (pending.chat_id === chatId && seq <= position) this.#remove(item);
    }
  }

  /** Sends what is queued: the socket is open. */
  flush(): void {
    for (const chatId of this.#lanes.keys()) this.#pump(chatId);
  }

  /** Fails all messages. */
  clear(problem: ProblemError): void {
    for (const { timer } of this.#lanes.values()) timer.clear();
    this.#lanes.clear();
    for (const item of this.#items) finish(item, { ok: false, problem });
    this.#items = [];
  }

  #find(clientId: string): Item | undefined {
    return this.#items.find(({ pending }) => pending.client_id === clientId);
  }

  #findFailed(clientId: string): Item | undefined {
    const item = this.#find(clientId);
    return item?.pending.state === "failed" ? item : undefined;
  }

  #lane(chatId: number): Lane {
    const lane = this.#lanes.get(chatId) ?? { item: undefined, timer: new Timer(), tries: 0 };
    this.#lanes.set(chatId, lane);
    return lane;
  }

  #change(item: Item, state: PendingMessage["state"], problem?: ProblemError) {
    item.pending = { ...item.pending, state, problem };
    this.#options.onChange(item.pending.chat_id);
  }

  #fail(item: Item, problem: ProblemError) {
    finish(item, { ok: false, problem });
    this.#change(item, "failed", problem);
  }

  #remove(item: Item) {
    this.#items = this.#items.filter((other) => other !== item);
    this.#options.onChange(item.pending.chat_id);
  }

  /** Puts a message at the end of the queue. */
  #add(item: Item): Sending {
    const { chat_id: chatId, client_id: clientId } = item.pending;
    const settled = new Promise<SendResult>((resolve) => {
      item.settle = resolve;
    });
    item.timer.set(this.#options.timing.giveUpMs, () => {
      this.#fail(item, new ProblemError("not_sent", "The message was not sent in time."));
    });
    this.#items = [...this.#items.filter((other) => other !== item), item];
    this.#change(item, "queued");
    this.#pump(chatId);
    return { clientId, settled };
  }

  /** Sends the next message of a chat, unless one is being sent or a pause runs. */
  #pump(chatId: number) {
    const { connection, timing } = this.#options;
    const lane = this.#lane(chatId);
    const item = this.#items.find(
      ({ pending }) => pending.chat_id === chatId && pending.state === "queued",
    );
    if (!item || lane.item || lane.timer.isSet || !connection.isOpen) return;
    const { client_id, content } = item.pending;
    lane.item = item;
    this.#change(item, "sending");
    const frame = { type: "message" as const, chat_id: chatId, content, client_id };
    connection.request(frame, timing.replyMs, (reply) => {
      if (lane.item === item) lane.item = undefined;
      // A message that the room has shown before the reply came is not in the list any more.
      if (this.#items.includes(item)) this.#receive(item, lane, reply);
      this.#pump(chatId);
    });
  }

  #receive(item: Item, lane: Lane, reply: ServerFrame | undefined) {
    const { chat_id: chatId, state } = item.pending;
    if (reply?.type === "ack") {
      const { message_id = 0, seq = 0 } = reply;
      lane.tries = 0;
      item.seq = seq;
      finish(item, { ok: true, message_id, seq });
      const isAwaited = this.#options.onStored(chatId, seq);
      return isAwaited ? this.#change(item, "sent") : this.#remove(item);
    }
    // The time limit of the message has passed before the reply came.
    if (state === "failed") return;
    if (reply?.type !== "error") return this.#change(item, "queued");
    const problem = problemOfFrame(reply);
    if (!isTransient(problem)) return this.#fail(item, problem);
    const retryMs = (problem.retryAfterSeconds ?? 0) * 1_000;
    lane.timer.set(Math.max(retryMs, this.#options.pauseMs(lane.tries)), () => this.#pump(chatId));
    lane.tries += 1;
    this.#change(item, "queued");
  }
}

function finish(item: Item, result: SendResult) {
  item.timer.clear();
  item.settle(result);
}

function isTransient({ code, retryAfterSeconds }: ProblemError): boolean {
  return retryAfterSeconds === undefined
    ? transientCodes.test(code)
    : retryAfterSeconds <= waitSecondsMax;
}

function refusalOf(content: string, count: number): ProblemError | undefined {
  if (count >= pendingMax) return new ProblemError("queue_full", "Too many messages wait.");
  // Quotes and control characters take more bytes in JSON.
  const { length } = new TextEncoder().encode(JSON.stringify(content));
  if (length > contentBytesMax) return new ProblemError("too_large", "The message is too long.");
}

/** 128 random bits. `crypto.randomUUID` is missing on pages that were loaded over plain HTTP. */
function makeClientId(): string {
  return crypto.getRandomValues(new Uint32Array(4)).join("-");
}
