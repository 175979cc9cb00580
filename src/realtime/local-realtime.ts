// Delivery on a single node: nothing stands between an action and this node's own sockets. For several nodes, the same
// three calls would be carried to each of them.
import { FrameText } from "../wire/frame-text.ts";
import { isDurable, type RoomFrame } from "../wire/frames.ts";
import type { ActivityFrame, ListFrame, MentionFrame, UserFrame } from "../wire/list-frames.ts";
import type { ReadReceiptsFrame } from "../wire/merged-frames.ts";
import { numberedFrame } from "../wire/numbered-frames.ts";
import { ActivityThrottle } from "./activity-throttle.ts";
import type { RoomOptions } from "./listener.ts";
import type { Rooms } from "./rooms.ts";
import { activityTopic, type Emit, type MergedSockets } from "./topics.ts";

/** People and chats whose latest change is remembered; beyond it the oldest is forgotten. */
const rememberedMax = 10_000;

/** The numbered change of a chat that a user frame tells of. */
export interface NumberedChange {
  chatId: number;
  seq: number;
}

export interface MergedOptions {
  /** The chat's number that the frame must not overtake. */
  after: number;
  /** Only these participants get it; undefined for all of them. */
  userIds: number[] | undefined;
}

export interface RealtimeParts {
  rooms: Rooms;
  emit: Emit;
  mergedSockets: MergedSockets;
  /** Hands a frame to all sockets of a person. */
  notify: (userId: number, frame: UserFrame) => void;
  /** See {@link ActivityThrottle}. */
  activityMs?: number | undefined;
}

export class LocalRealtime {
  readonly rooms: Rooms;
  readonly #emit: Emit;
  readonly #mergedSockets: MergedSockets;
  readonly #activity: ActivityThrottle;
  readonly #notify: (userId: number, frame: UserFrame) => void;
  /** The number of the latest change that a person was told of, by chat and person, oldest first. */
  readonly #lastTold = new Map<string, number>();

  constructor({ rooms, emit, mergedSockets, notify, activityMs }: RealtimeParts) {
    this.rooms = rooms;
    this.#emit = emit;
    this.#mergedSockets = mergedSockets;
    this.#activity = new ActivityThrottle(emit, activityMs);
    this.#notify = notify;
  }

  toRoom(frame: RoomFrame, options: RoomOptions = {}): void {
    const room = this.rooms.find(frame.chat_id);
    if (!isDurable(frame)) {
      room?.send(new FrameText(frame, options.message), options);
      return;
    }
    const numbered = numberedFrame(frame, options.message);
    if (room) room.offer(numbered, options);
    else if (numbered.isListed && !options.isRepeated) {
      this.#mergedSockets.emitMerged(activityTopic(frame.chat_id), () => numbered.nested);
    }
  }

  hasMerged(chatId: number): boolean {
    const inRoom = this.rooms.find(chatId)?.hasMerged ?? false;
    return inRoom || this.#mergedSockets.listen(activityTopic(chatId));
  }

  toMerged(frame: ReadReceiptsFrame, { after, userIds }: MergedOptions): void {
    const { chat_id: chatId } = frame;
    if (userIds) return this.#mergedSockets.sendMerged(userIds, JSON.stringify(frame));
    let made: string | undefined;
    const text = () => (made ??= JSON.stringify(frame));
    this.#mergedSockets.emitMerged(activityTopic(chatId), text);
    // Somebody whose removal is older than the receipts must not see them.
    this.rooms.find(chatId)?.sendMerged(text, after);
  }

  toUser(userId: number, frame: UserFrame, change?: NumberedChange): void {
    if (change === undefined) return this.#notify(userId, frame);
    const { chatId, seq } = change;
    const tell = () => {
      if (this.#isNews(`${chatId}:${userId}`, seq)) this.#notify(userId, frame);
    };
    const room = this.rooms.find(chatId);
    if (room) room.callAfter(seq, userId, tell);
    else tell();
  }

  toUsers(userIds: readonly number[], frame: MentionFrame, after: number): void {
    const tell = () => {
      for (const userId of userIds) this.#notify(userId, frame);
    };
    const room = this.rooms.find(frame.chat_id);
    if (room) room.sequencer.callAfter(after, tell);
    else tell();
  }

  toList(frame: ListFrame): void {
    if (frame.type === "chat_activity") this.#activity.note(frame);
    else this.#emit(activityTopic(frame.chat_id), JSON.stringify(frame));
  }

  reviseActivity(frame: ActivityFrame, options: { isNewest: boolean }): void {
    this.#activity.revise(frame, options);
  }

  /** The replies to two changes may come in the wrong order: an invitation must not be taken back by the removal before it. */
  #isNews(key: string, seq: number): boolean {
    if (seq < (this.#lastTold.get(key) ?? 0)) return false;
    this.#lastTold.delete(key);
    this.#lastTold.set(key, seq);
    const [oldest = key] = this.#lastTold.keys();
    if (this.#lastTold.size > rememberedMax) this.#lastTold.delete(oldest);
    return true;
  }
}
