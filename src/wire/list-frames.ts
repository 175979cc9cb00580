// The frames that a list of chats is kept up to date with. They reach sockets that have not joined the chat.
import { z } from "zod";
import { Chat } from "./chats.ts";
import { Id, Seq, Time } from "./text.ts";

const inChat = { chat_id: Id };
const notification = z.string().meta({ description: "A sentence for a person" });

const aboutChat = <T extends string>(type: T) =>
  z.object({ type: z.literal(type), chat: Chat, notification });
const aboutChatId = <T extends string>(type: T) =>
  z.object({ type: z.literal(type), ...inChat, notification });
const ChatCreatedFrame = aboutChat("chat_created");
const ChatInviteFrame = aboutChat("chat_invite");
const ChatDeletedFrame = aboutChatId("chat_deleted");
const RemovedFromChatFrame = aboutChatId("removed_from_chat");

const ReadFrame = z.object({
  type: z.literal("read"),
  ...inChat,
  reads: z.array(
    z.object({
      user_id: Id,
      last_read_seq: Seq.meta({ description: "Everything up to this number is read" }),
    }),
  ),
});

/** Longest part of a message in a {@link ActivityFrame}, in UTF-16 units. */
export const previewMax = 200;

const ActivityFrame = z.object({
  type: z.literal("chat_activity"),
  ...inChat,
  seq: Seq,
  user_id: Id.nullable(),
  username: z.string(),
  is_bot: z.boolean(),
  last_message: z
    .string()
    .meta({ description: `The newest message, its first ${previewMax} UTF-16 units` }),
  last_message_time: Time,
});
export type ActivityFrame = z.infer<typeof ActivityFrame>;

/** It has no number: to a socket that joins at this moment, the room's own frame comes in its turn. */
const ChatChangedFrame = z.object({ type: z.literal("chat_changed"), ...inChat, chat: Chat });

/** By the names that they have in the documents. */
export const listFrames = {
  chat_created: ChatCreatedFrame,
  chat_invite: ChatInviteFrame,
  chat_deleted: ChatDeletedFrame,
  removed_from_chat: RemovedFromChatFrame,
  read: ReadFrame,
  chat_activity: ActivityFrame,
  chat_changed: ChatChangedFrame,
} as const;

/** Frames to the sockets of a chat's participants that have not joined it. */
export type ListFrame = ActivityFrame | z.infer<typeof ChatChangedFrame>;

type UserFrameName = Exclude<keyof typeof listFrames, ListFrame["type"]>;
/** Frames to all sockets of one person. */
export type UserFrame = {
  [Name in UserFrameName]: z.infer<(typeof listFrames)[Name]>;
}[UserFrameName];
