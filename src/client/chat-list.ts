// `gemini-coop/client/chat-list`: the chats of the person who is signed in, as a list to be shown.
import type { ChatSummary } from "../wire/chats.ts";
import type { ServerFrame } from "../wire/server-frames.ts";
import { AwaitedReads } from "./awaited-reads.ts";
import { previewOf, withPreview } from "./chat-previews.ts";
import type { Client } from "./client.ts";
import { observe, type Observable } from "./observable.ts";
import { asProblemError, type ProblemError } from "./problem-error.ts";
import { Timer } from "./timer.ts";

export interface ChatListSnapshot {
  /** The chat with the newest activity first. Undefined until the list was loaded. */
  readonly chats: readonly ChatSummary[] | undefined;
  /** The reason why the last try to load the list has failed. */
  readonly problem: ProblemError | undefined;
}

/** The list is loaded, and kept up to date, while it has a subscriber. */
export interface ChatList extends Observable<ChatListSnapshot> {
  /** Loads the list now, for example after `markRead`. Never rejects: see the snapshot's `problem`. */
  refresh(): Promise<void>;
}

const refreshMsMin = 1_500;
const retryMs = 5_000;

/** The newest message of a chat that frames have told of. */
interface Newest {
  messageId: number;
  seq: number;
  time: string;
}

/** The chats of a client's person. The list needs no `close`: without a subscriber it does nothing. */
export function createChatList(client: Client): ChatList {
  return new LoadedChatList(client);
}

/**
 * The server counts unread messages, so the list is loaded again after something has happened, at most once in 1.5 s.
 * Previews, names and read positions follow the socket's frames at once.
 * Public methods are properties, so that applications may pass them on without the object.
 */
class LoadedChatList implements ChatList {
  readonly getSnapshot: () => ChatListSnapshot;
  readonly #client: Client;
  readonly #observed = observe<ChatListSnapshot>(() => ({
    chats: this.#chats,
    problem: this.#problem,
  }));
  #chats: readonly ChatSummary[] | undefined;
  #problem: ProblemError | undefined;
  #subscribers = 0;
  #unwatch = () => {};
  #loading: Promise<void> | undefined;
  /** The load that begins when the present one has ended. */
  #next: Promise<void> | undefined;
  #loadedAtMs = -Infinity;
  #ownerId: number | undefined;
  #isOpen = false;
  /** Increases when another person signs in, so that the previous person's chats are recognised. */
  #epoch = 0;
  /** The newest messages by chat id. */
  readonly #newest = new Map<number, Newest>();
  readonly #awaitedReads = new AwaitedReads(refreshMsMin, () => this.#schedule());
  readonly #timer = new Timer();

  constructor(client: Client) {
    this.#client = client;
    this.getSnapshot = this.#observed.observable.getSnapshot;
  }

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#subscribers += 1;
    if (this.#subscribers === 1) this.#unwatch = this.#watch();
    const end = this.#observed.observable.subscribe(listener);
    let isOver = false;
    return () => {
      if (isOver) return;
      isOver = true;
      end();
      this.#subscribers -= 1;
      if (this.#subscribers === 0) this.#unwatch();
    };
  };

  readonly refresh = (): Promise<void> => {
    // The list that is being loaded may be older than this call.
    this.#next ??= (this.#loading ?? Promise.resolve()).then(() => {
      this.#next = undefined;
      this.#loading = this.#load().finally(() => {
        this.#loading = undefined;
      });
      return this.#loading;
    });
    return this.#next;
  };

  async #load() {
    const epoch = this.#epoch;
    this.#timer.clear();
    this.#loadedAtMs = performance.now();
    try {
      const chats = await this.#client.api.listChats();
      if (epoch !== this.#epoch) return;
      this.#chats = chats;
      this.#problem = undefined;
    } catch (error) {
      if (epoch !== this.#epoch) return;
      this.#problem = asProblemError(error);
      this.#schedule(retryMs);
    }
    this.#observed.changed();
  }

  /** Loads the list soon, but not too soon after the last time. */
  #schedule(ms = 0) {
    const { signedIn } = this.#client.session.getSnapshot();
    if (this.#subscribers === 0 || this.#timer.isSet || !signedIn) return;
    this.#timer.set(Math.max(ms, this.#loadedAtMs + refreshMsMin - performance.now(), 0), () => {
      // The list that is being loaded may be older than what has happened.
      if (this.#loading) this.#schedule(refreshMsMin);
      else void this.refresh();
    });
  }

  /** Shows a chat's newest message, before the list is loaded again. */
  #touch(chatId: number, text: string, time: string) {
    this.#show(this.#chats && withPreview(this.#chats, chatId, { text, time }));
  }

  #change(chatId: number, changed: Partial<ChatSummary>) {
    this.#show(this.#chats?.map((chat) => (chat.id === chatId ? { ...chat, ...changed } : chat)));
  }

  #show(chats: readonly ChatSummary[] | undefined) {
    if (chats !== this.#chats) {
      this.#chats = chats;
      this.#observed.changed();
    }
    // The list that is being loaded may be older, also the first one.
    if (this.#loading) this.#schedule();
  }

  /** A message was stored. */
  #arrived(chatId: number, message: Newest, text: string) {
    if (message.seq < (this.#newest.get(chatId)?.seq ?? 0)) return;
    this.#newest.set(chatId, message);
    this.#touch(chatId, text, message.time);
  }

  /** The text of a message has changed: an answer has ended, or a message was edited. */
  #revised(chatId: number, messageId: number, text: string) {
    const newest = this.#newest.get(chatId);
    if (newest?.messageId === messageId) this.#touch(chatId, text, newest.time);
    // The message may still be the newest one, if it arrived before the list was subscribed to.
    else if (!newest) this.#schedule();
  }

  #readTo(chatId: number, lastReadSeq: number) {
    this.#awaitedReads.readTo(chatId, lastReadSeq);
    const chat = this.#chats?.find(({ id }) => id === chatId);
    const lastSeq = Math.max(chat?.last_seq ?? Infinity, this.#newest.get(chatId)?.seq ?? 0);
    if (lastReadSeq >= lastSeq) this.#change(chatId, { unread_count: 0, mention_count: 0 });
    else this.#schedule();
  }

  #receive(frame: ServerFrame) {
    switch (frame.type) {
      case "message": {
        const { chat_id, message_id: messageId, seq, created_at: time } = frame;
        if (frame.user_id !== this.#ownerId) this.#awaitedReads.arrived(chat_id, seq);
        return this.#arrived(chat_id, { messageId, seq, time }, previewOf(frame));
      }
      case "bot_stream": {
        const { chat_id, message_id: messageId } = frame;
        if (frame.is_complete) return this.#revised(chat_id, messageId, frame.full_response);
        if (!("seq" in frame)) return;
        this.#awaitedReads.arrived(chat_id, frame.seq);
        return this.#arrived(chat_id, { messageId, seq: frame.seq, time: frame.created_at }, "");
      }
      case "message_updated":
        return this.#revised(frame.chat_id, frame.message_id, previewOf(frame));
      case "chat_activity":
        this.#touch(frame.chat_id, frame.last_message, frame.last_message_time);
        return this.#schedule();
      case "read":
        return frame.reads.forEach(({ user_id, last_read_seq }) => {
          if (user_id === this.#ownerId) this.#readTo(frame.chat_id, last_read_seq);
        });
      case "preferences": {
        const { chat_id, muted_until, pinned } = frame;
        return this.#change(chat_id, { muted_until, pinned });
      }
      case "chat_updated":
      case "chat_changed":
        // The frame has no name for an unnamed private chat, which has another one for each of its people.
        if (frame.chat.is_named) this.#change(frame.chat_id, { name: frame.chat.name });
        return this.#schedule();
      case "mention":
      case "participant_added":
      case "participant_removed":
      case "chat_created":
      case "chat_invite":
      case "chat_deleted":
      case "removed_from_chat":
      // Nothing is unread in a private chat with somebody who is blocked.
      case "blocked_people":
        this.#schedule();
    }
  }

  #identify() {
    const { signedIn, user } = this.#client.session.getSnapshot();
    const isOther = !signedIn || (user && this.#ownerId !== undefined && user.id !== this.#ownerId);
    this.#ownerId = user?.id ?? (signedIn ? this.#ownerId : undefined);
    if (isOther) {
      this.#epoch += 1;
      this.#chats = undefined;
      this.#problem = undefined;
      this.#loadedAtMs = -Infinity;
      this.#newest.clear();
      this.#awaitedReads.clear();
      this.#timer.clear();
      this.#observed.changed();
    }
    this.#schedule();
  }

  #reconnected() {
    const { state } = this.#client.connection.getSnapshot();
    const isOpen = state === "live" || state === "catching_up";
    // Frames may have been missed while the socket was closed.
    if (isOpen && !this.#isOpen) this.#schedule();
    this.#isOpen = isOpen;
  }

  #watch() {
    const ends = [
      this.#client.onFrame((frame) => this.#receive(frame)),
      this.#client.session.subscribe(() => this.#identify()),
      this.#client.connection.subscribe(() => this.#reconnected()),
    ];
    this.#identify();
    return () => {
      this.#timer.clear();
      for (const end of ends) end();
    };
  }
}
