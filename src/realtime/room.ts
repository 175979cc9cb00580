// The sockets of this node that have joined one chat, and how a frame gets to them.
import type { Logger } from "pino";
import type { Metrics } from "../observability/metrics/metrics.ts";
import { presenceFrame, type NumberedFrame } from "../wire/numbered-frames.ts";
import { JoinBuffer } from "./join-buffer.ts";
import { Sequencer, type ReadLog } from "./sequencer.ts";
import { activityTopic, chatTopic, type Emit, type Topic } from "./topics.ts";

/** A socket, as far as a room knows it. */
export interface Listener {
  readonly userId: number;
  readonly username: string;
  /** False once it has closed: it can no longer join. */
  readonly open: boolean;
  send(text: string): void;
  /** Everything sent within `work` goes out as one write. */
  cork(work: () => void): void;
  subscribe(topic: Topic): void;
  unsubscribe(topic: Topic): void;
  /** The chats it has joined; kept by the rooms. */
  readonly joined: Set<number>;
}

export interface Present {
  user_id: number;
  username: string;
}

/** The state of a room at the moment when a listener has joined it. */
export interface Joined {
  /** The number up to which frames were released. */
  position: number;
  /** The released frames above the number at which the log was read; undefined if they are more than are kept. */
  missed: string[] | undefined;
  /** The answers whose last frame was released. */
  ended: ReadonlySet<number>;
  online: Present[];
}

/** A join that has begun: from {@link Room.enter} on nothing of the room is missed. */
export interface Entrance {
  /** The number above which everything is kept. Another join that has read further may have opened the room. */
  readonly keptFrom: number;
  /**
   * Waits until the room has shown all that was read of its log, which it may lag behind, then adds the listener, in one
   * go with the texts that `greet` sends.
   * @param lastSeq the room's number at which the log was read, at least `keptFrom`
   * @returns false when the person was removed meanwhile, the chat was deleted, or the socket has closed
   */
  finish(lastSeq: number, greet: (state: Joined) => void): Promise<boolean>;
  cancel(): void;
}

export interface RoomOptions {
  /** The number that an unnumbered frame must not overtake. */
  after?: number;
  /** The person whose sockets don't get an unnumbered frame. */
  exceptUserId?: number;
}

export interface RoomParts {
  emit: Emit;
  /** Repairs gaps. */
  readLog: ReadLog<NumberedFrame>;
  log: Logger;
  metrics?: Pick<Metrics, "frameDropped" | "gapRead" | "roomJoined"> | undefined;
  /** See {@link Sequencer}. */
  gapMs?: number | undefined;
}

export class Room {
  readonly chatId: number;
  readonly #topic: Topic;
  readonly #parts: RoomParts;
  readonly #onEmpty: (room: Room) => void;
  readonly #sequencer: Sequencer<NumberedFrame>;
  readonly #listeners = new Map<number, Set<Listener>>();
  readonly #buffers = new Set<JoinBuffer>();
  #isClosed = false;

  /** @param onEmpty is called when nobody has joined or is joining any more */
  constructor(chatId: number, parts: RoomParts, onEmpty: (room: Room) => void) {
    this.chatId = chatId;
    this.#topic = chatTopic(chatId);
    this.#parts = parts;
    this.#onEmpty = onEmpty;
    this.#sequencer = new Sequencer({
      ...parts,
      chatId,
      release: (frame) => this.#release(frame),
      releaseUnnumbered: (text) => parts.emit(this.#topic, text),
    });
  }

  /** Orders the room's numbered frames. */
  get sequencer(): Sequencer<NumberedFrame> {
    return this.#sequencer;
  }

  /** Joined sockets. */
  get listenerCount(): number {
    return this.#listeners.values().reduce((count, sockets) => count + sockets.size, 0);
  }

  /** Sends an unnumbered frame. */
  send(text: string, { after, exceptUserId }: RoomOptions = {}): void {
    if (after !== undefined) return this.#sequencer.offerAfter(after, text);
    if (exceptUserId === undefined) return this.#parts.emit(this.#topic, text);
    for (const [userId, sockets] of this.#listeners) {
      if (userId !== exceptUserId) for (const listener of sockets) listener.send(text);
    }
  }

  /** Begins a join: from now on the room's frames are kept for the listener, which gets none until `finish`. */
  enter(listener: Listener): Entrance {
    const buffer = new JoinBuffer(listener.userId, this.#sequencer.position ?? 0);
    this.#buffers.add(buffer);
    // When a join is repeated, live frames until the greeting would come a second time among the missed ones.
    listener.unsubscribe(this.#topic);
    return {
      get keptFrom() {
        return buffer.keptFrom;
      },
      finish: (lastSeq, greet) => this.#finishJoin(listener, buffer, lastSeq, greet),
      cancel: () => this.#giveUpJoin(listener, buffer),
    };
  }

  /** Removes a listener that stays in the chat: from now on it gets the chat's activity only. */
  leave(listener: Listener): void {
    if (!listener.joined.has(this.chatId)) return;
    this.#detach(listener);
    if (listener.open) listener.subscribe(activityTopic(this.chatId));
  }

  /** Removes all listeners, since the chat was deleted. @returns the people who had joined */
  end(): number[] {
    const userIds = [...this.#listeners.keys()];
    this.#isClosed = true;
    for (const sockets of this.#listeners.values()) {
      for (const listener of sockets) {
        listener.unsubscribe(this.#topic);
        listener.joined.delete(this.chatId);
      }
    }
    this.#listeners.clear();
    this.#sequencer.close();
    return userIds;
  }

  #release(frame: NumberedFrame): void {
    this.#parts.emit(this.#topic, frame.text);
    for (const buffer of this.#buffers) buffer.add(frame);
    if (frame.removedUserId !== undefined) this.#evict(frame.removedUserId, frame.seq);
  }

  #evict(userId: number, seq: number): void {
    for (const buffer of this.#buffers) if (buffer.userId === userId) buffer.removedAt = seq;
    const sockets = this.#listeners.get(userId) ?? [];
    for (const listener of [...sockets]) this.#detach(listener);
  }

  #detach(listener: Listener): void {
    listener.unsubscribe(this.#topic);
    listener.joined.delete(this.chatId);
    const sockets = this.#listeners.get(listener.userId);
    if (!sockets?.delete(listener)) return;
    if (sockets.size === 0) {
      this.#listeners.delete(listener.userId);
      this.#emitPresence("user_left", listener);
    }
    this.#closeIfEmpty();
  }

  #attach(listener: Listener): void {
    const sockets = this.#listeners.get(listener.userId);
    if (sockets) sockets.add(listener);
    else {
      this.#emitPresence("user_joined", listener);
      this.#listeners.set(listener.userId, new Set([listener]));
    }
    listener.subscribe(this.#topic);
    listener.unsubscribe(activityTopic(this.chatId));
    listener.joined.add(this.chatId);
  }

  async #finishJoin(
    listener: Listener,
    buffer: JoinBuffer,
    lastSeq: number,
    greet: (state: Joined) => void,
  ): Promise<boolean> {
    this.#start(lastSeq);
    await this.#sequencer.reach(lastSeq);
    if (buffer.removedAt > lastSeq || !listener.open || this.#isClosed) {
      this.#giveUpJoin(listener, buffer);
      return false;
    }
    this.#buffers.delete(buffer);
    this.#attach(listener);
    this.#parts.metrics?.roomJoined();
    const position = this.#sequencer.position ?? lastSeq;
    const missed = buffer.textsAbove(lastSeq);
    const online = this.#online();
    listener.cork(() => greet({ position, missed, ended: buffer.endedAnswerIds, online }));
    return true;
  }

  #giveUpJoin(listener: Listener, buffer: JoinBuffer): void {
    this.#buffers.delete(buffer);
    this.#detach(listener);
    this.#closeIfEmpty();
  }

  #start(lastSeq: number): void {
    if (this.#sequencer.position !== undefined) return;
    for (const buffer of this.#buffers) buffer.keptFrom = lastSeq;
    this.#sequencer.start(lastSeq);
  }

  #online(): Present[] {
    return Array.from(this.#listeners, ([user_id, sockets]) => {
      const [first] = sockets;
      return { user_id, username: first?.username ?? "" };
    });
  }

  #emitPresence(type: "user_joined" | "user_left", listener: Listener): void {
    this.#parts.emit(this.#topic, JSON.stringify(presenceFrame(type, this.chatId, listener)));
  }

  #closeIfEmpty(): void {
    if (this.#listeners.size > 0 || this.#buffers.size > 0) return;
    this.#isClosed = true;
    this.#sequencer.close();
    this.#onEmpty(this);
  }
}
