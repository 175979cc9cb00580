// Everything that a server may send, by name. The documents and the tests are made from it.
import type { z } from "zod";
import {
  AckFrame,
  BotStreamFirstFrame,
  BotStreamFrame,
  BotStreamLastFrame,
  ChatUpdatedFrame,
  ErrorFrame,
  JoinedFrame,
  MessageFrame,
  MessageUpdatedFrame,
  ParticipantAddedFrame,
  ParticipantRemovedFrame,
  ParticipantUpdatedFrame,
  PongFrame,
  PresenceChangedFrame,
  ReactionFrame,
  TypingFrame,
  UserJoinedFrame,
  UserLeftFrame,
} from "./frames.ts";
import { listFrames } from "./list-frames.ts";
import { mergedFrames } from "./merged-frames.ts";
import { peopleFrames } from "./people-frames.ts";
import { PresenceFrame } from "./presence.ts";

export const serverFrames = {
  message: MessageFrame,
  message_updated: MessageUpdatedFrame,
  bot_stream_first: BotStreamFirstFrame,
  bot_stream: BotStreamFrame,
  bot_stream_last: BotStreamLastFrame,
  reaction: ReactionFrame,
  participant_added: ParticipantAddedFrame,
  participant_updated: ParticipantUpdatedFrame,
  participant_removed: ParticipantRemovedFrame,
  chat_updated: ChatUpdatedFrame,
  typing: TypingFrame,
  user_joined: UserJoinedFrame,
  user_left: UserLeftFrame,
  presence_changed: PresenceChangedFrame,
  joined: JoinedFrame,
  ...listFrames,
  ...mergedFrames,
  presence: PresenceFrame,
  ...peopleFrames,
  pong: PongFrame,
  ack: AckFrame,
  error: ErrorFrame,
} as const;

/** Every frame but those of merged sockets, which have a form of their own. */
export type ServerFrame = z.infer<
  (typeof serverFrames)[Exclude<keyof typeof serverFrames, keyof typeof mergedFrames>]
>;
