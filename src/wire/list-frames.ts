// Frames that keep a list of chats up to date. They reach sockets that have not joined the chat, too.
import { z } from "zod";
import { Chat, ChatPreferences } from "./chats.ts";
import { Message } from "./messages.ts";
import { Report } from "./moderation.ts";
import { Read } from "./receipts.ts";
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

export const ReadFrame = z.object({ type: z.literal("read"), ...inChat, reads: z.array(Read) });
export type ReadFrame = z.infer<typeof ReadFrame>;

/** A person has changed what they have chosen for a chat. */
const PreferencesFrame = z.object({
  type: z.literal("preferences"),
  ...inChat,
  ...ChatPreferences.shape,
});

/** Limit of the part of a message that an {@link ActivityFrame} shows, in UTF-16 units. */
export const previewMax = 200;

const ActivityFrame = z.object({
  type: z.literal("chat_activity"),
  ...inChat,
  ...Message.pick({ seq: true, user_id: true, username: true, is_bot: true }).shape,
  last_message: z.string().meta({
    description: `The first ${previewMax} UTF-16 units of the newest message; empty if it was deleted`,
  }),
  last_message_time: Time,
});
/** A person is told of each mention, because they may have muted the chat or not joined it. */
const MentionFrame = z.object({
  type: z.literal("mention"),
  ...inChat,
  message_id: Id,
  seq: Seq.meta({ description: "The number of the message" }),
  username: z.string().meta({ description: "The author of the message" }),
  preview: z.string().meta({ description: `The first ${previewMax} UTF-16 units of the message` }),
});
export type MentionFrame = z.infer<typeof MentionFrame>;

/** The owner and the moderators of a chat are told of a report, and of its resolution. */
const ReportFrame = z.object({ type: z.literal("report"), ...inChat, report: Report });

export type ActivityFrame = z.infer<typeof ActivityFrame>;

/** The frame has no number in the room's log. A socket that joins at this moment gets the numbered `chat_updated` as well. */
const ChatChangedFrame = z.object({ type: z.literal("chat_changed"), ...inChat, chat: Chat });

/** These frames by the names that the documents give them. */
export const listFrames = {
  chat_created: ChatCreatedFrame,
  chat_invite: ChatInviteFrame,
  chat_deleted: ChatDeletedFrame,
  removed_from_chat: RemovedFromChatFrame,
  read: ReadFrame,
  mention: MentionFrame,
  preferences: PreferencesFrame,
  report: ReportFrame,
  chat_activity: ActivityFrame,
  chat_changed: ChatChangedFrame,
} as const;

/** Frames to the sockets of a chat's participants that have not joined it. */
export type ListFrame = ActivityFrame | z.infer<typeof ChatChangedFrame>;

/** The frames to all sockets of one person, by their types. */
export const UserFrameName = z.enum([
  "chat_created",
  "chat_invite",
  "chat_deleted",
  "removed_from_chat",
  "read",
  "mention",
  "preferences",
  "report",
]);
type UserFrameName = z.infer<typeof UserFrameName>;
/** Frames to all sockets of one person. */
export type UserFrame = {
  [Name in UserFrameName]: z.infer<(typeof listFrames)[Name]>;
}[UserFrameName];
