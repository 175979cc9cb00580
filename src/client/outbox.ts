// Messages on their way: each is sent under its own client_id, again and again, until the server has it for certain or
// refuses it for good. Those of one chat go one after the other, so that they arrive in the order they were written in.
import type { ServerFrame } from "../wire/frames.ts";
import type { Connection } from "./connection.ts";
import { ProblemError, type ProblemErrorCode } from "./problem-error.ts";

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
const transientCodes: ProblemErrorCode[] = ["flood", "unavailable", "invalid_token"];
/** A frame of 64 KiB closes the socket; this leaves room for its other members. */
const contentBytesMax = 64 * 1024 - 512;

interface Item {
  pending: PendingMessage;
  /** The number of its message, once that is known. */
  seq: number | undefined;
  /** Given up at this time. */
  timer: ReturnType<typeof setTimeout> | undefined;
  settle: (result: SendResult) => void;
}

export type Outbox = ReturnType<typeof createOutbox>;

export function createOutbox({
  connection,
  replyMs,
  giveUpMs,
  pauseMs,
  onChange,
  onStored,
}: {
  connection: Pick<Connection, "whenOpen" | "ask">;
  replyMs: number;
  giveUpMs: number;
  /** Milliseconds before try number `tries` of what the server could not do. */
  pauseMs: (tries: number) => number;
  onChange: (chatId: number) => void;
  /** It is stored under this number: the room is about to show it. @returns whether the room is watched */
  onStored: (chatId: number, seq: number) => boolean;
}) {
  const items = new Map<string, Item>();
  /** Chats of which a message is under way. */
  const busy = new Map<number, { item: Item; tries: number }>();
  const pauses = new Map<number, ReturnType<typeof setTimeout>>();
  let pausedUntilMs = 0;

  function change(item: Item, next: Partial<PendingMessage>) {
    item.pending = Object.freeze({ ...item.pending, ...next });
    onChange(item.pending.chat_id);
  }

  function fail(item: Item, problem: ProblemError) {
    clearTimeout(item.timer);
    change(item, { state: "failed", problem });
    item.settle({ ok: false, problem });
  }

  function remove(item: Item) {
    clearTimeout(item.timer);
    items.delete(item.pending.client_id);
    onChange(item.pending.chat_id);
  }

  function stored(item: Item, messageId: number, seq: number) {
    clearTimeout(item.timer);
    item.seq = seq;
    item.settle({ ok: true, message_id: messageId, seq });
    if (onStored(item.pending.chat_id, seq)) change(item, { state: "sent", problem: undefined });
    else remove(item);
  }

  function pump(chatId: number, tries = 0) {
    if (busy.has(chatId) || pauses.has(chatId) || !connection.whenOpen()) return;
    const item = [...items.values()].find(
      ({ pending }) => pending.chat_id === chatId && pending.state === "queued",
    );
    if (!item) return;
    const waitMs = pausedUntilMs - Date.now();
    if (waitMs > 0) return pause(chatId, waitMs, tries);
    const { client_id, content } = item.pending;
    const turn = { item, tries };
    busy.set(chatId, turn);
    change(item, { state: "sending" });
    connection.ask({ type: "message", chat_id: chatId, content, client_id }, replyMs, (reply) => {
      // Its message was seen in the room before its reply.
      const isOver = busy.get(chatId) !== turn;
      if (!isOver) busy.delete(chatId);
      if (items.get(client_id) !== item || item.pending.state === "sent") return;
      hear(item, reply, isOver ? 0 : tries);
    });
  }

  function hear(item: Item, reply: ServerFrame | undefined, tries: number) {
    const { chat_id: chatId, state } = item.pending;
    if (reply?.type === "ack" && reply.message_id !== undefined && reply.seq !== undefined) {
      stored(item, reply.message_id, reply.seq);
      return pump(chatId);
    }
    // It was given up meanwhile.
    if (state === "failed") return pump(chatId);
    if (reply?.type !== "error") {
      change(item, { state: "queued" });
      return pump(chatId, tries);
    }
    const code = reply.code as ProblemErrorCode;
    const problem = new ProblemError(code, reply.detail, { retryAfterSeconds: reply.retry_after });
    if (!isTransient(problem)) {
      fail(item, problem);
      return pump(chatId);
    }
    change(item, { state: "queued" });
    pause(chatId, Math.max((reply.retry_after ?? 0) * 1_000, pauseMs(tries)), tries + 1);
  }

  function pause(chatId: number, ms: number, tries: number) {
    clearTimeout(pauses.get(chatId));
    const timer = setTimeout(() => {
      pauses.delete(chatId);
      pump(chatId, tries);
    }, ms);
    pauses.set(chatId, timer);
  }

  function add(item: Item): Promise<SendResult> {
    const { chat_id: chatId, client_id: clientId } = item.pending;
    const settled = new Promise<SendResult>((resolve) => {
      item.settle = resolve;
    });
    item.timer = setTimeout(() => {
      fail(item, new ProblemError("not_sent", "The message could not be sent in time."));
    }, giveUpMs);
    items.set(clientId, item);
    change(item, { state: "queued", problem: undefined });
    pump(chatId);
    return settled;
  }

  return {
    /** What is not in the room yet, in the order in which it was written. */
    pendingOf(chatId: number): PendingMessage[] {
      const all = Array.from(items.values(), ({ pending }) => pending);
      return all.filter((pending) => pending.chat_id === chatId);
    },

    send(chatId: number, content: string): Sending {
      const clientId = makeClientId();
      const refusal = refusalOf(content, items.size);
      if (refusal) {
        return { clientId, settled: Promise.resolve({ ok: false, problem: refusal }) };
      }
      const pending: PendingMessage = {
        client_id: clientId,
        chat_id: chatId,
        content,
        created_at: new Date().toISOString(),
        state: "queued",
        problem: undefined,
      };
      const settled = add({
        pending,
        seq: undefined,
        timer: undefined,
        settle: () => undefined,
      });
      return { clientId, settled };
    },

    /** Sends a failed message again, under the same client_id: it may have been stored after all. */
    retry(clientId: string): Sending | undefined {
      const item = items.get(clientId);
      if (item?.pending.state !== "failed") return undefined;
      // Behind what was written since.
      items.delete(clientId);
      return { clientId, settled: add(item) };
    },

    /** Forgets a failed message. */
    discard(clientId: string) {
      const item = items.get(clientId);
      if (item?.pending.state === "failed") remove(item);
    },

    /** A message of one's own is in the room. */
    seen(chatId: number, clientId: string, messageId: number, seq: number) {
      const item = items.get(clientId);
      if (item?.pending.chat_id !== chatId) return;
      item.settle({ ok: true, message_id: messageId, seq });
      remove(item);
      if (busy.get(chatId)?.item === item) busy.delete(chatId);
      pump(chatId);
    },

    /** The room has everything up to a number: what was stored up to there is in it. */
    reached(chatId: number, position: number) {
      for (const item of items.values()) {
        if (item.pending.chat_id !== chatId || item.seq === undefined) continue;
        if (item.seq <= position) remove(item);
      }
    },

    /** There is a socket. */
    flush() {
      for (const chatId of new Set(Array.from(items.values(), (item) => item.pending.chat_id))) {
        pump(chatId);
      }
    },

    /** The server asks for a pause, in everything. */
    slowDown(seconds: number) {
      pausedUntilMs = Date.now() + Math.min(seconds, waitSecondsMax) * 1_000;
    },

    /** Whoever waits is told that it failed. */
    close(problem: ProblemError) {
      for (const timer of pauses.values()) clearTimeout(timer);
      pauses.clear();
      for (const item of [...items.values()]) {
        clearTimeout(item.timer);
        item.settle({ ok: false, problem });
      }
      items.clear();
    },
  };
}

function isTransient({ code, retryAfterSeconds }: ProblemError): boolean {
  if (retryAfterSeconds !== undefined) return retryAfterSeconds <= waitSecondsMax;
  return transientCodes.includes(code);
}

function refusalOf(content: string, count: number): ProblemError | undefined {
  if (count >= pendingMax) {
    return new ProblemError("queue_full", "Too many messages wait to be sent. Try again later.");
  }
  // The frame's own length: quotes and control characters grow in JSON.
  const bytes = new TextEncoder().encode(JSON.stringify(content)).length;
  if (bytes > contentBytesMax) return new ProblemError("too_large", "The message is too long.");
  return undefined;
}

/** 128 random bits. `crypto.randomUUID` is missing on pages that came over plain HTTP. */
function makeClientId(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
