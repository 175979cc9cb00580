// Frames that the server sends. The documents are made of the same schemas.
import { z } from "zod";
import { Chat, Participant } from "./chats.ts";
import { request, RequestId } from "./client-frames.ts";
import type { ReadFrame } from "./list-frames.ts";
import { Message, Usage } from "./messages.ts";
import { Read } from "./receipts.ts";
import { Id, Seq } from "./text.ts";

/** Messages that a `join` replays at most. A client that is further behind is told to reload over HTTP. */
export const replayMax = 1_000;
/** Bytes of JSON that a `join` replays at most. It stays below the backpressure limit of a socket. */
export const replayBytesMax = 1024 * 1024;

/**
 * People that a `joined` frame lists at most. A chat with more participants is a large room, which is told of people who come
 * and go by `presence_changed`.
 */
export const onlineMax = 100;

const inChat = { chat_id: Id };
const person = { user_id: Id, username: z.string() };

const { id, chat_id, ...members } = Message.shape;
const message = { chat_id, message_id: id, ...members };

export const MessageFrame = z.object({ type: z.literal("message"), ...message });
export const MessageUpdatedFrame = z.object({ type: z.literal("message_updated"), ...message });

/** The schema of a member that is left out of a frame where the Message has null. */
function unlessNull<T extends z.ZodType>(member: z.ZodNullable<T>) {
  const { description } = member.meta() ?? {};
  return member.unwrap().optional().meta({ description });
}

/** The first frame of an answer: an empty chunk that carries the number of its message. */
export const BotStreamFirstFrame = z.object({
  type: z.literal("bot_stream"),
  ...inChat,
  message_id: Id,
  chunk: z.literal(""),
  is_complete: z.literal(false),
  offset: z.literal(0),
  ...Message.pick({ seq: true, answer_to: true, created_at: true }).shape,
});
export const BotStreamFrame = z.object({
  type: z.literal("bot_stream"),
  ...inChat,
  message_id: Id,
  chunk: z.string(),
  is_complete: z.literal(false),
  offset: z.int().nonnegative().meta({
    description:
      "The chunk's position in the answer, in UTF-16 units. A chunk at 0 is the whole text so far and replaces what was shown before.",
  }),
});
/** The last frame of an answer; every answer has exactly one. */
export const BotStreamLastFrame = z.object({
  type: z.literal("bot_stream"),
  ...inChat,
  message_id: Id,
  chunk: z.literal(""),
  is_complete: z.literal(true),
  offset: z.int().nonnegative(),
  full_response: z.string(),
  status: Message.shape.status.exclude(["streaming"]),
  updated_seq: Seq,
  usage: Usage.nullable(),
  error: unlessNull(Message.shape.error),
  sources: unlessNull(Message.shape.sources),
  attachments: Message.shape.attachments
    .optional()
    .meta({ description: "The pictures of the answer; absent when there are none" }),
});

export const ReactionFrame = z.object({
  type: z.literal("reaction"),
  ...inChat,
  message_id: Id,
  emoji: z.string(),
  ...person,
  on: z.boolean().meta({ description: "false: the person has taken the reaction back" }),
  count: z.int().nonnegative().meta({
    description: "How many people have reacted to the message with this emoji after the change",
  }),
  updated_seq: Seq,
});

export const ParticipantAddedFrame = z.object({
  type: z.literal("participant_added"),
  ...inChat,
  participant: Participant,
  updated_seq: Seq,
});
export const ParticipantUpdatedFrame = z.object({
  type: z.literal("participant_updated"),
  ...inChat,
  participant: Participant,
  updated_seq: Seq,
});
export const ParticipantRemovedFrame = z.object({
  type: z.literal("participant_removed"),
  ...inChat,
  ...person,
  updated_seq: Seq,
});
export const ChatUpdatedFrame = z.object({
  type: z.literal("chat_updated"),
  ...inChat,
  chat: Chat,
  updated_seq: Seq,
});

const presence = <T extends string>(type: T) =>
  z.object({ type: z.literal(type), ...inChat, ...person });
export const TypingFrame = presence("typing");
export const UserJoinedFrame = presence("user_joined");
export const UserLeftFrame = presence("user_left");

const Present = z.object(person);
export type Present = z.infer<typeof Present>;
const OnlineCount = z.int().nonnegative().meta({ description: "People who have joined" });
export const PresenceChangedFrame = z.object({
  type: z.literal("presence_changed"),
  ...inChat,
  joined: z.array(Present),
  left: z.array(Present),
  online_count: OnlineCount,
});

export const JoinedFrame = z.object({
  type: z.literal("joined"),
  ...inChat,
  last_seq: Seq,
  recovered: z.boolean().meta({
    description:
      "Whether everything above `after_seq` was sent. It is false for more than 1,000 messages or 1 MiB, and for a number that the room has not reached: reload over HTTP then.",
  }),
  online: z.array(Present).meta({
    description: `At most ${onlineMax} people, the receiver among them`,
  }),
  online_count: OnlineCount,
  reads: z.array(Read).optional().meta({
    description: "How far the participants have read; absent if a merged socket has joined before",
  }),
  superseded: z.int().nonnegative().optional().meta({
    description:
      "After a replay: how many numbers above `after_seq` no frame carries, because a later change of the same message, or of the chat and its members, has replaced them. A client that misses another count of numbers has lost a frame.",
  }),
  chat: Chat.optional().meta({
    description: "Present when the chat or its members changed above `after_seq`",
  }),
  participants: z.array(Participant).optional(),
  ...request,
});

export const PongFrame = z.object({ type: z.literal("pong"), ...request });
export const AckFrame = z.object({
  type: z.literal("ack"),
  request_id: RequestId,
  message_id: Id.optional(),
  seq: Seq.optional(),
  updated_seq: Seq.optional().meta({
    description: "In reply to `edit` and `delete`: the number of the last change of the message",
  }),
});
export const ErrorFrame = z.object({
  type: z.literal("error"),
  code: z.string(),
  detail: z.string(),
  chat_id: Id.optional(),
  retry_after: z.int().optional().meta({ description: "Seconds" }),
  ...request,
});

/** Frames that carry one of the room's numbers. */
export const DurableFrame = z.union([
  MessageFrame,
  MessageUpdatedFrame,
  BotStreamFirstFrame,
  BotStreamLastFrame,
  ReactionFrame,
  ParticipantAddedFrame,
  ParticipantUpdatedFrame,
  ParticipantRemovedFrame,
  ChatUpdatedFrame,
]);
export type DurableFrame = z.infer<typeof DurableFrame>;

/** Frames to everyone who has joined a room. */
export type RoomFrame =
  | DurableFrame
  | z.infer<typeof BotStreamFrame>
  | ReadFrame
  | z.infer<typeof TypingFrame>
  | z.infer<typeof UserJoinedFrame>
  | z.infer<typeof UserLeftFrame>
  | z.infer<typeof PresenceChangedFrame>;

/** Whether a frame carries one of the room's numbers. */
export function isDurable(frame: RoomFrame): frame is DurableFrame {
  return "updated_seq" in frame || "seq" in frame;
}

/** The room's number that a durable frame carries. */
export function numberOf(frame: DurableFrame): number {
  return "updated_seq" in frame ? frame.updated_seq : frame.seq;
}
