// The ports by which actions tell people, and other servers, of changes that are stored.
import type { BusState } from "../bus/bus.ts";
import type { RoomFrame } from "../wire/frames.ts";
import type { ActivityFrame, ListFrame, MentionFrame, UserFrame } from "../wire/list-frames.ts";
import type { ReadReceiptsFrame } from "../wire/merged-frames.ts";
import type { AnswerElsewhere } from "./answers-elsewhere.ts";
import type { LogPosition } from "./follower-gate.ts";
import type { RoomOptions } from "./listener.ts";
import type { MergedOptions, NumberedChange } from "./local-realtime.ts";
import type { Rooms } from "./rooms.ts";

/** Delivers frames to people. Only actions publish, and only after the commit. */
export interface Realtime {
  /** Sends to everybody who has joined `frame.chat_id`; numbered frames leave in the order of their numbers. */
  toRoom(frame: RoomFrame, options?: RoomOptions): void;
  /**
   * Sends to all sockets of one person.
   * @param change the numbered change that the frame reports: the frame follows its number in the room, and is dropped
   * if the person has received one of a later change of the same chat
   */
  toUser(userId: number, frame: UserFrame, change?: NumberedChange): void;
  /**
   * Sends to all sockets of several people. None is dropped in favour of a later one.
   * @param after the chat's number that the frame must not overtake
   */
  toUsers(userIds: readonly number[], frame: MentionFrame, after: number): void;
  /**
   * Sends to the participants of `frame.chat_id` that have not joined it; `chat_activity` at most once a second.
   * @param position that of the change which the frame reports: nobody receives it who was removed before
   */
  toList(frame: ListFrame, position: LogPosition): void;
  /**
   * Shows a message that has changed to those who were sent its `chat_activity`, if it is the newest of its chat. Of any other
   * message only a frame that still waits is replaced.
   */
  reviseActivity(frame: ActivityFrame, position: LogPosition, options: { isNewest: boolean }): void;
  /** Whether a merged socket of this node follows the chat. */
  hasMerged(chatId: number): boolean;
  /** Sends to the merged sockets of a chat's participants on this node, whether or not they have joined it. */
  toMerged(frame: ReadReceiptsFrame, options: MergedOptions): void;
  /** Ends the room of a chat that was deleted, on all nodes. */
  endRoom(chatId: number): void;
  /** The answers of a chat that other nodes run, as `Answers.inChat` has those of this node, with the text that this node was sent. */
  answersElsewhere(chatId: number, position: number): AnswerElsewhere[];
  readonly rooms: Rooms;
}

/** The other nodes. They also poll the database for what these messages report, so that a lost message causes a delay only. */
export interface PeerServers {
  /** The state of the bus; undefined where there is none. */
  readonly bus: BusState | undefined;
  /** Sessions have ended. */
  sessionsEnded(ids: readonly string[]): void;
  /** Somebody has asked in the database for an answer to stop, which another node runs. */
  stopRequested(chatId: number, messageId: number): void;
  /**
   * The presence of people, or their profiles or blocks, have changed here. Other nodes look for all changes since their last look,
   * as they also do once a second.
   */
  lookAt(what: "presence" | "people"): void;
  /** A person has changed whether others are shown that they are in a room. */
  visibilityChanged(userId: number): void;
  /** A person's read position in a chat has moved. */
  readMoved(chatId: number, userId: number): void;
}

/** There are none, or they look for everything by themselves. */
export const noPeers: PeerServers = {
  bus: undefined,
  sessionsEnded() {},
  stopRequested() {},
  lookAt() {},
  visibilityChanged() {},
  readMoved() {},
};
