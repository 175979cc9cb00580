// Every frame that crosses a socket. Client frames are parsed with ClientFrame; server frames are typed by
// ServerFrame, and documented from the same schemas.
import { z } from "zod";
import { Chat, Participant } from "./chats.ts";
import { ClientId, Content, MessageStatus, Source, Usage } from "./messages.ts";
import type { ListFrame, UserFrame } from "./list-frames.ts";
import { Id, Seq, text, Time } from "./text.ts";

/** Bytes of one client frame at most; a larger one closes the socket with 1009. */
export const frameBytesMax = 64 * 1024;
/** A `join` that is further behind than this is told to reload over HTTP. */
export const replayMax = 1_000;
/** And so is one that would be sent more JSON than this: it must stay below what may wait for a reader. */
export const replayBytesMax = 1024 * 1024;

/** RFC 6455 §7.4: the codes that this server closes with. `reason` begins with one of the words. */
export const closeCodes = {
  bye: { code: 1000, reconnect: false },
  protocol_error: { code: 1002, reconnect: true },
  not_utf8: { code: 1007, reconnect: true },
  invalid_token: { code: 1008, reconnect: false },
  token_expired: { code: 1008, reconnect: true },
  revoked: { code: 1008, reconnect: false },
  flood: { code: 1008, reconnect: true },
  too_large: { code: 1009, reconnect: false },
  restart: { code: 1012, reconnect: true },
  too_slow: { code: 1013, reconnect: true },
  too_many_sockets: { code: 1013, reconnect: true },
  rate_limited: { code: 1013, reconnect: true },
  unavailable: { code: 1013, reconnect: true },
} as const;
export type CloseReason = keyof typeof closeCodes;

const RequestId = z.union([text({ min: 1, max: 64, trim: false }), z.int()]);
export type RequestId = z.infer<typeof RequestId>;

/** Read apart from the frame's other members, so that even a refused frame is answered under its own id. */
export const Envelope = z
  .object({
    request_id: RequestId.optional().catch(undefined),
    chat_id: Id.optional().catch(undefined),
  })
  .catch({});

const request = { request_id: RequestId.nullish() };

export const ClientFrame = z.discriminatedUnion("type", [
  z.object({ type: z.literal("auth"), token: z.string().min(1).max(4_096), ...request }),
  z.object({
    type: z.literal("join"),
    chat_id: Id,
    after_seq: Seq.nullish().meta({
      description: "Messages whose `updated_seq` is above this number are sent first; 0: all",
    }),
    ...request,
  }),
  z.object({
    type: z.literal("message"),
    chat_id: Id,
    content: Content,
    client_id: ClientId.nullish(),
    ...request,
  }),
  z.object({ type: z.literal("typing"), chat_id: Id, ...request }),
  z.object({ type: z.literal("leave"), chat_id: Id, ...request }),
  z.object({ type: z.literal("stop"), chat_id: Id, message_id: Id, ...request }),
  z.object({ type: z.literal("ping"), ...request }),
]);
export type ClientFrame = z.infer<typeof ClientFrame>;

const inChat = { chat_id: Id };
const person = { user_id: Id, username: z.string() };

const messageBody = {
  ...inChat,
  message_id: Id,
  username: z.string(),
  content: z.string(),
  is_bot: z.boolean(),
  created_at: Time,
  seq: Seq,
  updated_seq: Seq,
  user_id: Id.nullable(),
  status: MessageStatus,
  answer_to: Id.nullable(),
  client_id: z.string().nullable(),
  error: z.string().nullable(),
  sources: z.array(Source).nullable(),
};

export const MessageFrame = z.object({ type: z.literal("message"), ...messageBody });
export const MessageUpdatedFrame = z.object({ type: z.literal("message_updated"), ...messageBody });

/** The first frame of an answer: an empty chunk that carries the number of its message. */
export const BotStreamFirstFrame = z.object({
  type: z.literal("bot_stream"),
  ...inChat,
  message_id: Id,
  chunk: z.literal(""),
  is_complete: z.literal(false),
  offset: z.literal(0),
  seq: Seq,
  answer_to: Id.nullable(),
  created_at: Time,
});
export const BotStreamFrame = z.object({
  type: z.literal("bot_stream"),
  ...inChat,
  message_id: Id,
  chunk: z.string(),
  is_complete: z.literal(false),
  offset: z.int().nonnegative().meta({
    description:
      "UTF-16 index of the chunk in the answer. 0: it has all text so far, and replaces what was shown before.",
  }),
});
/** The last frame of an answer, exactly one. */
export const BotStreamLastFrame = z.object({
  type: z.literal("bot_stream"),
  ...inChat,
  message_id: Id,
  chunk: z.literal(""),
  is_complete: z.literal(true),
  offset: z.int().nonnegative(),
  full_response: z.string(),
  status: MessageStatus.exclude(["streaming"]),
  updated_seq: Seq,
  usage: Usage.nullable(),
  error: z.string().optional().meta({ description: "Why there is no whole answer, for a person" }),
  sources: z.array(Source).optional().meta({ description: "Web pages that the answer rests on" }),
});

export const ParticipantAddedFrame = z.object({
  type: z.literal("participant_added"),
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

export const JoinedFrame = z.object({
  type: z.literal("joined"),
  ...inChat,
  last_seq: Seq,
  recovered: z.boolean().meta({
    description:
      "Whether everything above `after_seq` was sent. False when that is more than 1,000 messages or 1 MiB, or the room never had that number: reload over HTTP",
  }),
  online: z.array(z.object(person)),
  chat: Chat.optional().meta({
    description: "If the chat or its members changed above `after_seq`",
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
  ParticipantAddedFrame,
  ParticipantRemovedFrame,
  ChatUpdatedFrame,
]);
export type DurableFrame = z.infer<typeof DurableFrame>;

/** Frames to everyone who has joined a room. */
export type RoomFrame =
  | DurableFrame
  | z.infer<typeof BotStreamFrame>
  | z.infer<typeof TypingFrame>
  | z.infer<typeof UserJoinedFrame>
  | z.infer<typeof UserLeftFrame>;

/** Frames to one socket, as an answer to its own. */
type ReplyFrame =
  | z.infer<typeof JoinedFrame>
  | z.infer<typeof PongFrame>
  | z.infer<typeof AckFrame>
  | z.infer<typeof ErrorFrame>;

export type ServerFrame = RoomFrame | ListFrame | UserFrame | ReplyFrame;

/** Whether a frame carries one of the room's numbers. */
export function isDurable(frame: RoomFrame): frame is DurableFrame {
  return "updated_seq" in frame || "seq" in frame;
}

/** The room's number that a durable frame carries. */
export function numberOf(frame: DurableFrame): number {
  return "updated_seq" in frame ? frame.updated_seq : frame.seq;
}
