// The sockets of this node that have joined one chat, and how a frame gets to them.
import { FrameText } from "../wire/frame-text.ts";
import type { NumberedFrame } from "../wire/numbered-frames.ts";
import { JoinBuffer } from "./join-buffer.ts";
import type { Entrance, Joined, Listener, ReadChat, RoomOptions, RoomParts } from "./listener.ts";
import { MergedList } from "./merged-list.ts";
import { OnlinePeople } from "./online-people.ts";
import { Sequencer } from "./sequencer.ts";
import { Slices } from "./slices.ts";
import { activityTopic } from "./topics.ts";

export class Room {
  readonly chatId: number;
  /** The people who have joined. */
  readonly online: OnlinePeople;
  readonly #parts: RoomParts;
  readonly #onEmpty: (room: Room) => void;
  readonly #sequencer: Sequencer<NumberedFrame, FrameText>;
  readonly #slices: Slices;
  readonly #buffers = new Set<JoinBuffer>();
  readonly #mergedList: MergedList;
  /** See {@link Entrance.subscribed}. */
  #subscribed: Promise<unknown> | undefined;
  #startedAt = 0;
  #isClosed = false;

  /** @param onEmpty is called when nobody has joined or is joining any more */
  constructor(chatId: number, parts: RoomParts, onEmpty: (room: Room) => void) {
    this.chatId = chatId;
    this.#parts = parts;
    this.#onEmpty = onEmpty;
    this.#slices = new Slices(chatId, parts.sliceMax);
    this.#mergedList = new MergedList(chatId, parts);
    const emit = (text: string) => this.#slices.hand(({ topic }) => parts.emit(topic, text));
    this.online = new OnlinePeople({
      ...{ chatId, emit, intervalMs: parts.presenceChangedMs },
      elsewhere: parts.elsewhere,
      emitToOthers: (id, frame) => this.#emitToOthers(new FrameText(frame), new Set([id])),
    });
    this.#sequencer = new Sequencer<NumberedFrame, FrameText>({
      ...parts,
      chatId,
      release: (frame) => this.#release(frame),
      releaseUnnumbered: (frame) => this.#emit(frame),
    });
    this.#subscribed = parts.elsewhere?.opened(chatId).then(() => {
      this.#subscribed = undefined;
    });
  }

  /** Orders the room's numbered frames. */
  get sequencer(): Sequencer<NumberedFrame, FrameText> {
    return this.#sequencer;
  }

  /** Sends an unnumbered frame. */
  send(frame: FrameText, options: RoomOptions = {}): void {
    const { after, exceptUserId, isState = false } = options;
    if (isState) {
      return this.#sequencer.callAfter(after ?? 0, () => this.#sendState(frame, options));
    }
    if (after !== undefined) return this.#sequencer.offerAfter(after, frame);
    if (exceptUserId === undefined) this.#emit(frame);
    else this.#emitToOthers(frame, new Set([exceptUserId]));
  }

  /** Whether a merged socket has joined. */
  get hasMerged(): boolean {
    return this.#slices.topics.some((topic) => this.#parts.mergedSockets.listen(topic));
  }

  /** Sends to the merged sockets, once everything up to `after`, to which the log reaches, was sent. */
  sendMerged(text: () => string, after: number): void {
    const { mergedSockets } = this.#parts;
    this.#sequencer.callAfter(after, () =>
      this.#slices.hand(({ topic }) => mergedSockets.emitMerged(topic, text)),
    );
  }

  /** Calls back once everything up to `seq`, to which the log reaches, was sent to the sockets of these people. */
  callAfter(seq: number, userIds: readonly number[], call: () => void): void {
    this.#sequencer.callAfter(seq, () => {
      for (const id of userIds) this.online.socketsOf(id).forEach((ws) => this.#slices.catchUp(ws));
      call();
    });
  }

  /** Takes a numbered frame, which is sent in its turn. */
  offer(frame: NumberedFrame, { isRepeated = false }: RoomOptions = {}): void {
    if (!this.#sequencer.awaits(frame.seq)) {
      // Its number was in the log when the room began, so that no one of it has been sent the frame.
      if (frame.seq <= this.#startedAt && !isRepeated) {
        this.#mergedList.show(frame);
        if (frame.isListed) this.#showNested(frame);
      }
      return;
    }
    if (this.#sequencer.position === undefined && !isRepeated) this.#mergedList.showEarly(frame);
    this.#sequencer.offer(frame);
  }

  /** Begins a join: from now on the room's frames are kept for the listener, which gets none until `finish`. */
  enter(listener: Listener): Entrance {
    const buffer = new JoinBuffer(listener, this.#sequencer.position ?? 0);
    this.#buffers.add(buffer);
    // When a join is repeated, live frames until the greeting would come a second time among the missed ones.
    this.#slices.remove(listener);
    return {
      get keptFrom() {
        return buffer.keptFrom;
      },
      subscribed: this.#subscribed,
      finish: (chat, greet) => this.#finishJoin(listener, buffer, chat, greet),
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
    const { userIds } = this.online;
    this.#isClosed = true;
    for (const listener of this.online.sockets) {
      this.#slices.remove(listener);
      listener.joined.delete(this.chatId);
    }
    this.online.close();
    this.#sequencer.close();
    this.#parts.elsewhere?.closed(this.chatId);
    return userIds;
  }

  /**
   * The state for a listener that joins once more, and whose subscription has not been interrupted.
   * @returns undefined if it has not joined
   */
  rejoined(listener: Listener): Pick<Joined, "position" | "online" | "onlineCount"> | undefined {
    const { position } = this.#sequencer;
    if (position === undefined || !listener.joined.has(this.chatId)) return undefined;
    this.#slices.catchUp(listener);
    return { position, ...this.online.greet(listener.userId) };
  }

  #sendState(frame: FrameText, { exceptUserIds = new Set() }: RoomOptions): void {
    for (const buffer of this.#buffers) {
      if (!exceptUserIds.has(buffer.userId)) buffer.addState(frame);
    }
    if (exceptUserIds.size === 0) this.#emit(frame);
    else this.#emitToOthers(frame, exceptUserIds);
  }

  #emitToOthers(frame: FrameText, exceptUserIds: ReadonlySet<number>): void {
    this.#slices.hand(({ listeners }) => {
      for (const listener of listeners) {
        if (exceptUserIds.has(listener.userId)) continue;
        listener.send(listener.isMerged ? frame.merged : frame.text);
      }
    });
  }

  #emit(frame: FrameText): void {
    this.#slices.hand(({ topic }) => this.#parts.emit(topic, frame.text, () => frame.merged));
  }

  /** Shows the message of a frame to merged sockets that have joined. */
  #showNested(frame: NumberedFrame): void {
    const { mergedSockets } = this.#parts;
    this.#slices.hand(({ topic }) => mergedSockets.emitMerged(topic, () => frame.nested));
  }

  #release(frame: NumberedFrame): void {
    this.#emit(frame);
    this.#mergedList.showInTurn(frame);
    for (const buffer of this.#buffers) buffer.add(frame);
    this.#parts.elsewhere?.released(this.chatId, frame);
    if (frame.removedUserId !== undefined) this.#evict(frame.removedUserId, frame.seq);
  }

  #evict(userId: number, seq: number): void {
    for (const buffer of this.#buffers) if (buffer.userId === userId) buffer.removedAt = seq;
    for (const listener of this.online.socketsOf(userId)) this.#detach(listener);
  }

  #detach(listener: Listener): void {
    this.#slices.remove(listener);
    listener.joined.delete(this.chatId);
    if (this.online.remove(listener)) this.#closeIfEmpty();
  }

  #attach(listener: Listener): void {
    this.online.add(listener);
    this.#slices.add(listener);
    listener.unsubscribe(activityTopic(this.chatId));
    listener.joined.add(this.chatId);
  }

  async #finishJoin(
    listener: Listener,
    buffer: JoinBuffer,
    { lastSeq, memberCount }: ReadChat,
    greet: (state: Joined) => void,
  ): Promise<boolean> {
    this.#start(lastSeq);
    await this.#sequencer.reach(lastSeq);
    if (buffer.removedAt > lastSeq || !listener.open || this.#isClosed) {
      this.#giveUpJoin(listener, buffer);
      return false;
    }
    this.#buffers.delete(buffer);
    this.online.resize(memberCount);
    this.#attach(listener);
    this.#parts.metrics?.roomJoined();
    const position = this.#sequencer.position ?? lastSeq;
    const missed = buffer.textsAbove(lastSeq);
    const { endedAnswerIds: ended } = buffer;
    const people = this.online.greet(listener.userId);
    listener.cork(() => greet({ position, missed, ended, ...people }));
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
    this.#mergedList.forgetUpTo(lastSeq);
    this.#startedAt = lastSeq;
    this.#sequencer.start(lastSeq);
  }

  #closeIfEmpty(): void {
    if (this.#isClosed || !this.online.isEmpty || this.#buffers.size > 0) return;
    this.#isClosed = true;
    this.online.close();
    // Nobody waits for their turn any more.
    for (const frame of this.#sequencer.close()) this.#mergedList.showInTurn(frame);
    this.#onEmpty(this);
    this.#parts.elsewhere?.closed(this.chatId);
  }
}
