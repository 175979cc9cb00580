// Delivery to the sockets of all servers: to this server's own at once, and to the others over the bus, as the text that was
// made for the own ones.
import type { BusLink } from "../bus/bus-link.ts";
import type { Unsigned } from "../bus/envelope.ts";
import { FrameText } from "../wire/frame-text.ts";
import { isDurable, type RoomFrame } from "../wire/frames.ts";
import type { ActivityFrame, ListFrame, MentionFrame, UserFrame } from "../wire/list-frames.ts";
import type { ReadReceiptsFrame } from "../wire/merged-frames.ts";
import type { NumberedFrame } from "../wire/numbered-frames.ts";
import type { ActiveRooms } from "./active-rooms.ts";
import { ActivityThrottle, type Activity } from "./activity-throttle.ts";
import type { AnswerElsewhere, AnswersElsewhere } from "./answers-elsewhere.ts";
import type { LogPosition } from "./follower-gate.ts";
import type { RoomOptions } from "./listener.ts";
import {
  activityOf,
  noticeOf,
  numberedOf,
  type LocalRealtime,
  type MergedOptions,
  type NumberedChange,
  type UserNotice,
} from "./local-realtime.ts";
import type { Rooms } from "./rooms.ts";

export interface SharedRealtimeParts {
  local: LocalRealtime;
  link: BusLink;
  activeRooms: ActiveRooms;
  answers: AnswersElsewhere;
  /** See {@link ActivityThrottle}. */
  activityMs?: number | undefined;
}

export class SharedRealtime {
  readonly rooms: Rooms;
  readonly #parts: SharedRealtimeParts;
  /** The throttle of the activity that other servers are sent, which they throttle once more. */
  readonly #activity: ActivityThrottle;

  constructor(parts: SharedRealtimeParts) {
    this.rooms = parts.local.rooms;
    this.#parts = parts;
    this.#activity = new ActivityThrottle((activities) => {
      for (const activity of activities) this.#sendActivity(activity);
    }, parts.activityMs);
  }

  toRoom(frame: RoomFrame, options: RoomOptions = {}): void {
    const { chat_id: chat } = frame;
    const { local } = this.#parts;
    if (isDurable(frame)) {
      const numbered = numberedOf(frame, options);
      local.offer(chat, numbered, options);
      this.#sendNumbered(chat, numbered, options);
      return;
    }
    const text = new FrameText(frame, options.message);
    local.pass(chat, text, options);
    // Every server reads the state by itself.
    if (!options.isState) this.#sendPassing(frame, text, options);
  }

  toUser(userId: number, frame: UserFrame, change?: NumberedChange): void {
    const notice = noticeOf(frame);
    this.#parts.local.notify(userId, notice, change);
    this.#sendNotice(userId, notice, { change });
  }

  toUsers(userIds: readonly number[], frame: MentionFrame, after: number): void {
    const notice = noticeOf(frame);
    const number = { chatId: frame.chat_id, seq: after };
    this.#parts.local.notifyAll(userIds, notice, number);
    for (const userId of userIds) this.#sendNotice(userId, notice, { after: number });
  }

  toList(frame: ListFrame, position: LogPosition): void {
    const { local } = this.#parts;
    if (frame.type === "chat_activity") {
      const activity = activityOf(frame, position);
      local.noteActivity(activity);
      return this.#activity.note(activity);
    }
    const text = JSON.stringify(frame);
    local.list(frame.chat_id, position, () => text);
    this.#sendToList({ kind: "changed", chat: frame.chat_id, number: position.seq }, text);
  }

  reviseActivity(
    frame: ActivityFrame,
    position: LogPosition,
    options: { isNewest: boolean },
  ): void {
    const activity = activityOf(frame, position);
    this.#parts.local.revise(activity, options);
    // A server may hold the text before it back at this moment, so that it has to be told at once.
    this.#sendActivity(activity, options.isNewest ? "newest" : "other");
    this.#activity.revise(activity, { isNewest: false });
  }

  hasMerged(chatId: number): boolean {
    return this.#parts.local.hasMerged(chatId);
  }

  toMerged(frame: ReadReceiptsFrame, options: MergedOptions): void {
    this.#parts.local.toMerged(frame, options);
  }

  endRoom(chatId: number): number[] {
    this.#sendToRoom({ kind: "ended", chat: chatId });
    return this.#parts.local.endRoom(chatId);
  }

  answersElsewhere(chatId: number, position: number): AnswerElsewhere[] {
    return this.#parts.answers.inChat(chatId, position);
  }

  #sendNumbered(chat: number, frame: NumberedFrame, { isRepeated }: RoomOptions): void {
    const { seq, members, shape, answer, removedUserId: removed, text } = frame;
    const header = {
      ...{ kind: "numbered" as const, chat, seq, members, shape },
      ...{ answer, removed, isRepeated },
    };
    if (!this.#sendToRoom(header, text)) this.#sendToRoom(header);
    this.#parts.activeRooms.note(chat, seq);
  }

  #sendPassing(frame: RoomFrame, { text }: FrameText, options: RoomOptions): void {
    const { after, exceptUserId: except, answer } = options;
    const chat = frame.chat_id;
    if (!answer) {
      const isTyping = frame.type === "typing" ? true : undefined;
      return void this.#sendToRoom({ kind: "passing", chat, after, except, isTyping }, text);
    }
    const { messageId: id, ...piece } = answer;
    this.#sendToRoom({ kind: "chunk", chat, id, after: after ?? 1, ...piece }, text);
  }

  #sendNotice(
    user: number,
    { text, ...notice }: UserNotice,
    place: { change?: NumberedChange | undefined; after?: NumberedChange },
  ): void {
    const { link } = this.#parts;
    link.send(link.subjects.of("user", user), { kind: "user", user, ...notice, ...place }, text);
  }

  #sendActivity(
    { chatId: chat, seq, position, text }: Activity,
    revises?: "newest" | "other",
  ): void {
    const { seq: number, members } = position;
    this.#sendToList({ kind: "activity", chat, seq, number, members, revises }, text());
  }

  #sendToRoom(unsigned: Unsigned & { chat: number }, text?: string): boolean {
    const { link } = this.#parts;
    return link.send(link.subjects.of("chat", unsigned.chat), unsigned, text);
  }

  #sendToList(unsigned: Unsigned & { chat: number }, text: string): void {
    const { link } = this.#parts;
    link.send(link.subjects.of("list", unsigned.chat), unsigned, text);
  }
}
