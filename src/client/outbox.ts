import type { ServerFrame } from "../wire/server-frames.ts";
import type { PauseMs } from "./close-plans.ts";
import type { Connection } from "./connection.ts";
import { makeClientId } from "./client-id.ts";
import { createItem, isTransient, refusalOf, type Item } from "./outbox-item.ts";
import type { OutboxStore, PendingMessage, Sending, SendResult } from "./pending-message.ts";
import { signedOut } from "./http.ts";
import { ProblemError, problemOfFrame } from "./problem-error.ts";
import { Timer } from "./timer.ts";
import type { Timing } from "./timing.ts";

const lateDetail = "The message was not sent in time.";

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
  store?: OutboxStore | undefined;
  /** False while nobody is signed in: a message must not wait for whoever comes next. */
  signedIn: () => boolean;
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
  /** The person whose messages these are, once that is known: until then none is stored. */
  #senderId: number | undefined;
  /** The lanes by chat id. */
  readonly #lanes = new Map<number, Lane>();

  constructor(options: OutboxOptions) {
    this.#options = options;
  }

  /** The messages that the room does not show yet, in the order of writing. */
  pendingOf(chatId: number): PendingMessage[] {
    const all = this.#items.map(({ pending }) => pending);
    return all.filter(({ chat_id }) => chat_id === chatId);
  }

  send(
    chatId: number,
    content: string,
    reply_to?: number,
    attachment_ids?: PendingMessage["attachment_ids"],
  ): Sending {
    const clientId = makeClientId();
    const problem = this.#options.signedIn() ? refusalOf(content, this.#items.length) : signedOut();
    if (problem) return { clientId, settled: Promise.resolve({ ok: false, problem }) };
    const created_at = new Date().toISOString();
    return this.#add(
      createItem({
        client_id: clientId,
        chat_id: chatId,
        content,
        reply_to,
        attachment_ids,
        created_at,
      }),
    );
  }

  /**
   * Begins to store the messages, and sends what the same person has left unsent in an earlier client. A message that has
   * failed there, or whose time is over, is shown as failed.
   */
  restore(senderId: number): void {
    if (this.#senderId === senderId) return;
    this.#senderId = senderId;
    const { store, timing } = this.#options;
    const written = this.#items;
    this.#items = [];
    for (const { failure, ...message } of store?.load(senderId) ?? []) {
      const item = createItem(message);
      const ms = Date.parse(message.created_at) + timing.giveUpMs - Date.now();
      if (failure === undefined && ms > 0) this.#add(item, Math.min(ms, timing.giveUpMs));
      else {
        this.#items.push(item);
        this.#fail(item, new ProblemError("not_sent", failure ?? lateDetail));
      }
    }
    this.#items.push(...written);
    for (const item of written) this.#store(item);
  }

  /** Sends a failed message again, under the same client_id: it may have been stored after all. */
  retry(clientId: string): Sending | undefined {
    const item = this.#findFailed(clientId);
    return item && this.#add(item);
  }

  /** Forgets a failed message. */
  discard(clientId: string): void {
    const item = this.#findFailed(clientId);
    if (!item) return;
    this.#unstore(item);
    this.#remove(item);
  }

  /** The room shows an own message. */
  seen(chatId: number, clientId: string, message_id: number, seq: number): void {
    const item = this.#find(clientId);
    if (item?.pending.chat_id !== chatId) return;
    this.#finish(item, { ok: true, message_id, seq });
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

  /** Fails all messages. Those in the store stay there. */
  clear(problem: ProblemError): void {
    this.#senderId = undefined;
    for (const { timer } of this.#lanes.values()) timer.clear();
    this.#lanes.clear();
    for (const item of this.#items) this.#finish(item, { ok: false, problem });
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
    this.#finish(item, { ok: false, problem });
    this.#change(item, "failed", problem);
    this.#store(item);
  }

  #finish(item: Item, result: SendResult) {
    item.timer.clear();
    if (result.ok) this.#unstore(item);
    item.settle(result);
  }

  #store({ pending: { state: _, problem, ...message } }: Item) {
    if (this.#senderId === undefined) return;
    this.#options.store?.save(this.#senderId, { ...message, failure: problem?.detail });
  }

  #unstore({ pending }: Item) {
    if (this.#senderId !== undefined) {
      this.#options.store?.remove(this.#senderId, pending.client_id);
    }
  }

  #remove(item: Item) {
    this.#items = this.#items.filter((other) => other !== item);
    this.#options.onChange(item.pending.chat_id);
  }

  /** Puts a message at the end of the queue. @param ms after which it has failed */
  #add(item: Item, ms = this.#options.timing.giveUpMs): Sending {
    const { chat_id: chatId, client_id: clientId } = item.pending;
    const settled = new Promise<SendResult>((resolve) => {
      item.settle = resolve;
    });
    item.timer.set(ms, () => this.#fail(item, new ProblemError("not_sent", lateDetail)));
    this.#items = [...this.#items.filter((other) => other !== item), item];
    this.#change(item, "queued");
    this.#store(item);
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
    const { problem: _, state: __, created_at, ...message } = item.pending;
    lane.item = item;
    this.#change(item, "sending");
    connection.request({ type: "message", ...message }, timing.replyMs, (reply) => {
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
      this.#finish(item, { ok: true, message_id, seq });
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
