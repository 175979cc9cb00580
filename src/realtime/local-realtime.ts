// Delivery on a single node: nothing stands between an action and this node's own sockets. shared-realtime.ts carries the
// same calls to the other nodes.
import { FrameText } from "../wire/frame-text.ts";
import { isDurable, type RoomFrame } from "../wire/frames.ts";
import type { ActivityFrame, ListFrame, MentionFrame, UserFrame } from "../wire/list-frames.ts";
import type { ReadReceiptsFrame } from "../wire/merged-frames.ts";
import { numberedFrame, type NumberedFrame } from "../wire/numbered-frames.ts";
import { ActivityThrottle, type Activity } from "./activity-throttle.ts";
import type { AnswerElsewhere } from "./answers-elsewhere.ts";
import type { LogPosition } from "./follower-gate.ts";
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

/** A frame to a person that is ready to send. */
export interface UserNotice {
  readonly type: UserFrame["type"];
  /** The chat that the frame is about. */
  readonly chatId: number;
  readonly text: string;
  /** The chat that the frame brings, whose activity the person's sockets follow from now on. */
  readonly opens: number | undefined;
  /** The chat that the person is not in any more. */
  readonly ends: number | undefined;
}

export interface MergedOptions {
  /** The chat's number that the frame must not overtake. */
  after: number;
  /** The participants that get the frame; undefined for all of them. */
  userIds: number[] | undefined;
}

export interface RealtimeParts {
  rooms: Rooms;
  emit: Emit;
  mergedSockets: MergedSockets;
  /** See `FollowerGate.pass`. */
  toFollowers: (chatId: number, position: LogPosition, send: () => void) => void;
  /** Lets `work` hand texts of several chats to those who have not joined them, with one write for each socket. */
  together: (work: () => void) => void;
  /** Hands a frame to all sockets of a person. */
  notify: (userId: number, notice: UserNotice) => void;
  /** See {@link ActivityThrottle}. */
  activityMs?: number | undefined;
}

export class LocalRealtime {
  readonly rooms: Rooms;
  readonly #parts: RealtimeParts;
  readonly #activity: ActivityThrottle;
  /** The number of the latest change that a person was told of, by chat and person, oldest first. */
  readonly #lastTold = new Map<string, number>();

  constructor(parts: RealtimeParts) {
    this.rooms = parts.rooms;
    this.#parts = parts;
    this.#activity = new ActivityThrottle((activities) => {
      parts.together(() => {
        for (const { chatId, position, text } of activities) this.list(chatId, position, text);
      });
    }, parts.activityMs);
  }

  toRoom(frame: RoomFrame, options: RoomOptions = {}): void {
    if (isDurable(frame)) this.offer(frame.chat_id, numberedOf(frame, options), options);
    else this.pass(frame.chat_id, new FrameText(frame, options.message), options);
  }

  /** Takes a numbered frame, which is sent in its turn. */
  offer(chatId: number, frame: NumberedFrame, options: RoomOptions = {}): void {
    const room = this.rooms.find(chatId);
    if (room) return room.offer(frame, options);
    const topic = activityTopic(chatId);
    const { mergedSockets, toFollowers } = this.#parts;
    if (!frame.isListed || options.isRepeated || !mergedSockets.listen(topic)) return;
    toFollowers(chatId, frame, () => mergedSockets.emitMerged(topic, () => frame.nested));
  }

  /** Sends an unnumbered frame. */
  pass(chatId: number, frame: FrameText, options: RoomOptions): void {
    this.rooms.find(chatId)?.send(frame, options);
  }

  hasMerged(chatId: number): boolean {
    const inRoom = this.rooms.find(chatId)?.hasMerged ?? false;
    return inRoom || this.#parts.mergedSockets.listen(activityTopic(chatId));
  }

  toMerged(frame: ReadReceiptsFrame, { after, userIds }: MergedOptions): void {
    const { chat_id: chatId } = frame;
    const { mergedSockets, toFollowers } = this.#parts;
    if (userIds) return mergedSockets.sendMerged(userIds, JSON.stringify(frame));
    let made: string | undefined;
    const text = () => (made ??= JSON.stringify(frame));
    const topic = activityTopic(chatId);
    if (mergedSockets.listen(topic)) {
      toFollowers(chatId, { seq: after }, () => mergedSockets.emitMerged(topic, text));
    }
    // Somebody whose removal is older than the receipts must not see them.
    this.rooms.find(chatId)?.sendMerged(text, after);
  }

  toUser(userId: number, frame: UserFrame, change?: NumberedChange): void {
    this.notify(userId, noticeOf(frame), change);
  }

  notify(userId: number, notice: UserNotice, change?: NumberedChange): void {
    if (change === undefined) return this.#parts.notify(userId, notice);
    const { chatId, seq } = change;
    const tell = () => {
      if (this.#isNews(`${chatId}:${userId}`, seq)) this.#parts.notify(userId, notice);
    };
    const room = this.rooms.find(chatId);
    if (room) room.callAfter(seq, [userId], tell);
    else tell();
  }

  toUsers(userIds: readonly number[], frame: MentionFrame, after: number): void {
    this.notifyAll(userIds, noticeOf(frame), { chatId: frame.chat_id, seq: after });
  }

  /** Hands a notice to people after a number of a chat. */
  notifyAll(userIds: readonly number[], notice: UserNotice, after: NumberedChange): void {
    const tell = () => {
      for (const userId of userIds) this.#parts.notify(userId, notice);
    };
    const room = this.rooms.find(after.chatId);
    if (room) room.callAfter(after.seq, userIds, tell);
    else tell();
  }

  toList(frame: ListFrame, position: LogPosition): void {
    if (frame.type === "chat_activity") this.noteActivity(activityOf(frame, position));
    else this.list(frame.chat_id, position, () => JSON.stringify(frame));
  }

  reviseActivity(
    frame: ActivityFrame,
    position: LogPosition,
    options: { isNewest: boolean },
  ): void {
    this.revise(activityOf(frame, position), options);
  }

  /** Sends the activity of a chat, at most once a second. */
  noteActivity(activity: Activity): void {
    this.#activity.note(activity);
  }

  revise(activity: Activity, options: { isNewest: boolean }): void {
    this.#activity.revise(activity, options);
  }

  /** Sends a text to the participants of a chat that have not joined it. */
  list(chatId: number, position: LogPosition, text: () => string): void {
    const { toFollowers, emit } = this.#parts;
    toFollowers(chatId, position, () => emit(activityTopic(chatId), text()));
  }

  /** Ends the room of a chat that was deleted. @returns the people who had joined */
  endRoom(chatId: number): number[] {
    return this.rooms.end(chatId);
  }

  answersElsewhere(): AnswerElsewhere[] {
    return [];
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

export function numberedOf(
  frame: Parameters<typeof numberedFrame>[0],
  { message, members }: RoomOptions,
): NumberedFrame {
  return numberedFrame(frame, message, members);
}

export function activityOf(frame: ActivityFrame, position: LogPosition): Activity {
  let made: string | undefined;
  return {
    chatId: frame.chat_id,
    seq: frame.seq,
    position,
    text: () => (made ??= JSON.stringify(frame)),
  };
}

export function noticeOf(frame: UserFrame): UserNotice {
  return {
    type: frame.type,
    chatId: "chat" in frame ? frame.chat.id : frame.chat_id,
    text: JSON.stringify(frame),
    opens: "chat" in frame ? frame.chat.id : undefined,
    ends: endsChat(frame) ? frame.chat_id : undefined,
  };
}

type EndOfChat = Extract<UserFrame, { type: "chat_deleted" | "removed_from_chat" }>;

function endsChat(frame: UserFrame): frame is EndOfChat {
  return frame.type === "chat_deleted" || frame.type === "removed_from_chat";
}
