import type { ServerFrame } from "../wire/server-frames.ts";
import type { Api } from "./api.ts";
import type { PauseMs } from "./close-plans.ts";
import type { Connection } from "./connection.ts";
import { loadPage, pageSize } from "./history.ts";
import { observe } from "./observable.ts";
import { MessageChanges } from "./message-changes.ts";
import type { Outbox } from "./outbox.ts";
import { messagesMax, RoomLog, type Misfit } from "./room-log.ts";
import type { Room, RoomSnapshot } from "./room-snapshot.ts";
import { RoomSync } from "./room-sync.ts";
import { Timer } from "./timer.ts";
import type { Timing } from "./timing.ts";
import { TypingPeople } from "./typing-people.ts";

/** The interval at which the server passes on `typing`. */
const typingMsMin = 3_000;
/** Updates that are kept at most while the messages that they change are being loaded. */
const updatesMax = 200;

export interface RoomOptions {
  chatId: number;
  api: Api;
  connection: Connection;
  outbox: Outbox;
  timing: Timing;
  pauseMs: PauseMs;
  /** @returns the id of the person who is signed in */
  ownId: () => number | undefined;
  /** Called when the room's state may have changed. */
  onState: () => void;
  onClose: () => void;
}

/** One room with all its handles: what it shows, and the actions that people take in it. */
export class OpenRoom {
  readonly sync: RoomSync;
  readonly #options: RoomOptions;
  readonly #log: RoomLog;
  readonly #changes: MessageChanges;
  readonly #observed = observe<RoomSnapshot>(() => this.#snapshot());
  readonly #typing = new TypingPeople(this.#observed.changed);
  /** Runs for as long as the server would not pass on `typing` again. */
  readonly #typingPause = new Timer();
  readonly #room: Omit<Room, "close">;
  #handles = 0;
  #isClosed = false;
  #isLoadingOlder = false;
  /** The number up to which the person has read, and the one that the server has stored. */
  #read = 0;
  #storedRead = 0;
  /** Settles after the last call of `markRead`; the calls store their numbers one after another. */
  #storingRead = Promise.resolve();
  #updates: ServerFrame[] = [];

  constructor(options: RoomOptions) {
    const { chatId, api, connection, outbox, ownId } = options;
    this.#options = options;
    this.#log = new RoomLog(({ client_id, user_id, id, seq }) => {
      if (client_id !== null && user_id === ownId()) outbox.seen(chatId, client_id, id, seq);
    });
    this.sync = new RoomSync({
      ...options,
      log: this.#log,
      on: {
        applied: (frame, misfit) => this.#applied(frame, misfit),
        reached: (position) => outbox.reached(chatId, position),
        change: () => {
          this.changed();
          options.onState();
        },
      },
    });
    this.#changes = new MessageChanges({
      ...options,
      log: this.#log,
      onChange: this.#observed.changed,
    });
    this.#room = {
      chatId,
      ...this.#observed.observable,
      send: (content, { replyTo, attachmentIds } = {}) =>
        outbox.send(chatId, content, replyTo, attachmentIds),
      retry: (clientId) => outbox.retry(clientId),
      discard: (clientId) => outbox.discard(clientId),
      edit: this.#changes.edit,
      delete: this.#changes.delete,
      react: this.#changes.react,
      typing: () => {
        if (this.#typingPause.isSet) return;
        this.#typingPause.set(typingMsMin, () => {});
        connection.post({ type: "typing", chat_id: chatId });
      },
      loadOlder: () => this.#loadOlder(),
      markRead: (seq = this.#log.shown.messages.at(-1)?.seq ?? 0) => {
        this.#read = Math.max(this.#read, seq);
        return (this.#storingRead = this.#storingRead.then(() => this.#storeRead()));
      },
      stop: (messageId) => api.stopAnswer(chatId, messageId),
      regenerate: (messageId) => api.regenerateAnswer(chatId, messageId),
    };
  }

  /** A handle. The room is closed when all its handles are. */
  open(): Room {
    let isOpen = true;
    this.#handles += 1;
    return {
      ...this.#room,
      close: () => {
        if (!isOpen) return;
        isOpen = false;
        this.#handles -= 1;
        if (this.#handles === 0) this.close();
      },
    };
  }

  /** The pending messages have changed. */
  changed(): void {
    this.#observed.changed();
  }

  /** The socket is open. */
  opened(): void {
    this.sync.join();
    this.#changes.wake();
  }

  /** The socket is lost. */
  lose(): void {
    this.#typing.clear();
    this.#typingPause.clear();
    this.sync.lose();
  }

  close(): void {
    // Signing out has closed the room before its handles are.
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#options.onClose();
    this.lose();
    this.#observed.end();
    this.#options.connection.post({ type: "leave", chat_id: this.#options.chatId });
  }

  #snapshot(): RoomSnapshot {
    const { shown } = this.#log;
    return {
      ...shown,
      messages: this.#changes.shown(shown.messages),
      state: this.sync.state,
      chat: shown.chat && { ...shown.chat, name: this.#chatName(), last_seq: this.sync.position },
      pending: this.#options.outbox.pendingOf(this.#options.chatId),
      typing: this.#typing.list(),
      loadingOlder: this.#isLoadingOlder,
      problem: this.sync.problem,
    };
  }

  /** A frame to the whole room cannot have the name of an unnamed private chat, which differs for its two people. */
  #chatName(): string {
    const { chat, participants } = this.#log.shown;
    const other = participants.find(({ id }) => id !== this.#options.ownId());
    return chat?.is_named === false && other ? other.username : (chat?.name ?? "");
  }

  #applied(frame: ServerFrame, misfit: Misfit) {
    if (frame.type === "typing") this.#typing.add(frame);
    if (frame.type === "message") this.#typing.remove(frame.user_id);
    if (misfit === "unknown" && this.#isLoadingOlder && this.#updates.length < updatesMax) {
      this.#updates.push(frame);
    }
    // The own removal may be out of date: the server knows whether we are a participant now.
    if (frame.type === "participant_removed" && frame.user_id === this.#options.ownId()) {
      this.sync.join();
    }
    this.changed();
  }

  async #loadOlder(): Promise<boolean> {
    const { api, chatId } = this.#options;
    const { messages, hasOlder } = this.#log.shown;
    const [first] = messages;
    if (this.#isLoadingOlder || !hasOlder || !first) return hasOlder;
    if (messages.length + pageSize > messagesMax) return false;
    this.#isLoadingOlder = true;
    this.#updates = [];
    this.changed();
    try {
      const page = await loadPage(api, chatId, pageSize, first.seq);
      // The room may have been loaded again meanwhile.
      if (this.#log.shown.messages[0]?.id === first.id) {
        this.#log.prepend(page);
        for (const frame of this.#updates) this.#log.apply(frame);
      }
    } finally {
      this.#isLoadingOlder = false;
      this.changed();
    }
    return this.#log.shown.hasOlder;
  }

  async #storeRead() {
    const { api, chatId } = this.#options;
    const seq = this.#read;
    // An earlier call has stored the number already.
    if (seq <= this.#storedRead) return;
    try {
      await api.markRead(chatId, seq);
      this.#storedRead = seq;
    } catch {
      // The next call tries again.
      if (seq === this.#read) this.#read = this.#storedRead;
    }
  }
}
