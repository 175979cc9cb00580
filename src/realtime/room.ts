// The sockets of this node that have joined one chat, and how a frame gets to them.
import type { FrameText } from "../wire/frame-text.ts";
import { presenceFrame, type NumberedFrame } from "../wire/numbered-frames.ts";
import { JoinBuffer } from "./join-buffer.ts";
import type { Entrance, Joined, Listener, Present, RoomOptions, RoomParts } from "./listener.ts";
import { Sequencer } from "./sequencer.ts";
import { activityTopic, chatTopic, type Topic } from "./topics.ts";

export class Room {
  readonly chatId: number;
  readonly #topic: Topic;
  readonly #parts: RoomParts;
  readonly #onEmpty: (room: Room) => void;
  readonly #sequencer: Sequencer<NumberedFrame, FrameText>;
  readonly #listeners = new Map<number, Set<Listener>>();
  readonly #buffers = new Set<JoinBuffer>();
  /** Frames that came before the start, when they were shown to the merged sockets that have not joined. */
  readonly #listedEarly = new Set<NumberedFrame>();
  #startedAt = 0;
  #isClosed = false;

  /** @param onEmpty is called when nobody has joined or is joining any more */
  constructor(chatId: number, parts: RoomParts, onEmpty: (room: Room) => void) {
    this.chatId = chatId;
    this.#topic = chatTopic(chatId);
    this.#parts = parts;
    this.#onEmpty = onEmpty;
    this.#sequencer = new Sequencer<NumberedFrame, FrameText>({
      ...parts,
      chatId,
      release: (frame) => this.#release(frame),
      releaseUnnumbered: (frame) => this.#emit(frame),
    });
  }

  /** Orders the room's numbered frames. */
  get sequencer(): Sequencer<NumberedFrame, FrameText> {
    return this.#sequencer;
  }

  /** Joined sockets. */
  get listenerCount(): number {
    return this.#listeners.values().reduce((count, sockets) => count + sockets.size, 0);
  }

  /** Sends an unnumbered frame. */
  send(frame: FrameText, options: RoomOptions = {}): void {
    const { after, exceptUserId, isState = false } = options;
    if (isState) {
      return this.#sequencer.callAfter(after ?? 0, () => this.#sendState(frame, options));
    }
    if (after !== undefined) return this.#sequencer.offerAfter(after, frame);
    if (exceptUserId === undefined) return this.#emit(frame);
    for (const [userId, sockets] of this.#listeners) {
      if (userId === exceptUserId) continue;
      for (const listener of sockets) listener.send(listener.isMerged ? frame.merged : frame.text);
    }
  }

  /** Takes a numbered frame, which is sent in its turn. */
  offer(frame: NumberedFrame, { isRepeated = false }: RoomOptions = {}): void {
    if (!this.#sequencer.awaits(frame.seq)) {
      // Its number was in the log when the room began, so that no one of it has been sent the frame.
      if (frame.seq <= this.#startedAt && !isRepeated) this.#list(frame, [this.#topic]);
      return;
    }
    if (this.#sequencer.position === undefined && frame.isListed && !isRepeated) {
      this.#listedEarly.add(frame);
      this.#list(frame);
    }
    this.#sequencer.offer(frame);
  }

  /** Begins a join: from now on the room's frames are kept for the listener, which gets none until `finish`. */
  enter(listener: Listener): Entrance {
    const buffer = new JoinBuffer(listener, this.#sequencer.position ?? 0);
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

  /**
   * The state for a listener that joins once more, and whose subscription has not been interrupted.
   * @returns undefined if it has not joined
   */
  rejoined(listener: Listener): Pick<Joined, "position" | "online"> | undefined {
    const { position } = this.#sequencer;
    if (position === undefined || !listener.joined.has(this.chatId)) return undefined;
    return { position, online: this.#online() };
  }

  #sendState(frame: FrameText, { exceptUserIds = new Set() }: RoomOptions): void {
    for (const buffer of this.#buffers) {
      if (!exceptUserIds.has(buffer.userId)) buffer.addState(frame);
    }
    if (exceptUserIds.size === 0) return this.#emit(frame);
    for (const [userId, sockets] of this.#listeners) {
      if (exceptUserIds.has(userId)) continue;
      for (const listener of sockets) listener.send(listener.isMerged ? frame.merged : frame.text);
    }
  }

  #emit(frame: FrameText): void {
    this.#parts.emit(this.#topic, frame.text, () => frame.merged);
  }

  /** Shows the message of a frame to merged sockets that have not joined. @param more topics whose sockets need it, too */
  #list(frame: NumberedFrame, more: Topic[] = []): void {
    if (!frame.isListed) return;
    for (const topic of [activityTopic(this.chatId), ...more]) {
      this.#parts.mergedSockets.emitMerged(topic, () => frame.nested);
    }
  }

  #release(frame: NumberedFrame): void {
    this.#emit(frame);
    if (!this.#listedEarly.delete(frame)) this.#list(frame);
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
    for (const frame of this.#listedEarly)
      if (frame.seq <= lastSeq) this.#listedEarly.delete(frame);
    this.#startedAt = lastSeq;
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
    // Nobody waits for their turn any more.
    for (const frame of this.#sequencer.close()) {
      if (!this.#listedEarly.has(frame)) this.#list(frame);
    }
    this.#onEmpty(this);
  }
}
