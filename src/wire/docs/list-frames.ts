// Descriptions and examples of the frames that keep a list of chats up to date, for the documents.
import type { z } from "zod";
import type { listFrames } from "../list-frames.ts";
import { liveReadsMembersMax } from "../receipts.ts";
import { exampleTime } from "../text.ts";
import { chat, report, type ServerNote } from "./examples.ts";

export const listNotes: {
  [Name in keyof typeof listFrames]: ServerNote<z.infer<(typeof listFrames)[Name]>>;
} = {
  chat_created: {
    to: "person",
    summary: "A chat with you was created",
    description: "The creator receives it, too, so that their other devices show the chat.",
    example: { type: "chat_created", chat, notification: "You created Physics homework" },
  },
  chat_invite: {
    to: "person",
    summary: "You were invited and are now a participant",
    example: {
      type: "chat_invite",
      chat,
      notification: "john_doe invited you to Physics homework",
    },
  },
  chat_deleted: {
    to: "person",
    summary: "A chat of yours was deleted",
    example: {
      type: "chat_deleted",
      chat_id: 1,
      notification: "Physics homework was deleted",
    },
  },
  removed_from_chat: {
    to: "person",
    summary: "You are no longer in a chat",
    description: "It is also sent to the other devices of somebody who left.",
    example: {
      type: "removed_from_chat",
      chat_id: 1,
      notification: "john_doe removed you from Physics homework",
    },
  },
  read: {
    to: "person",
    summary: "Somebody has read a chat up to a number",
    description:
      "It is sent at once to all sockets of the person whose position has moved, joined or not, so that their other clients " +
      "show the chat as read, too; `reads` has that position. Sockets that have joined the chat receive the positions of " +
      `everybody who has moved since, gathered: at most one frame a second and chat. A chat with more than ${liveReadsMembersMax} ` +
      "participants sends none of these: `GET /api/chats/{chat_id}/read-receipts` and `…/messages/{message_id}/readers` tell who has " +
      "read. Of several frames the highest number of a person counts, since a position never moves back. Who does not want to " +
      "be seen reading (`read_receipts` of User) is not in `reads` of others, and receives only their own position. The frame has " +
      "no number in the room's log. People who are connected to another server receive it at once if the servers share their rooms over " +
      "NATS, and with their next `joined` otherwise.",
    example: {
      type: "read",
      chat_id: 1,
      reads: [{ user_id: 9, last_read_seq: 57, joined_seq: 0, read_at: exampleTime }],
    },
  },
  preferences: {
    to: "person",
    summary: "You have muted or pinned a chat, or no longer",
    description:
      "It is sent to all sockets of the person after `PUT /api/chats/{chat_id}/preferences` has changed something, with both members as they are now. No frame is " +
      "sent when `muted_until` has passed.",
    example: { type: "preferences", chat_id: 1, muted_until: exampleTime, pinned: true },
  },
  mention: {
    to: "person",
    summary: "A message mentions you",
    description:
      "It is sent to all sockets of the person for each message that mentions them, not before the number of the message, and for " +
      "an edit to those whom only the edited text mentions. It has no number and is not replayed: " +
      "`mention_count` in `GET /api/chats` has the mentions that are not read.",
    example: {
      type: "mention",
      chat_id: 1,
      message_id: 123,
      seq: 57,
      username: "john_doe",
      preview: "@jane_doe have you done number 3?",
    },
  },
  report: {
    to: "person",
    summary: "A message of a chat that you moderate was reported, or a report was resolved",
    description:
      "It is sent to all sockets of the chat's owner and moderators, but not to the author of the message. It has no number and is not " +
      "replayed: `GET /api/chats/{chat_id}/reports` has all reports.",
    example: { type: "report", chat_id: 1, report },
  },
  chat_activity: {
    to: "person",
    summary: "A message was stored in a chat that this socket has not joined",
    description:
      "It has what a chat list needs to show the chat as unread. For an answer it is sent once, at its end, with the `seq` of the answer's first frame. If the chat's newest message is edited or deleted, it comes again with the same `seq`: count each `seq` once. The sender's own sockets that have not joined receive it, too.",
    example: {
      type: "chat_activity",
      chat_id: 1,
      seq: 58,
      user_id: 9,
      username: "jane_doe",
      is_bot: false,
      last_message: "Has anybody done number 3?",
      last_message_time: exampleTime,
    },
  },
  chat_changed: {
    to: "person",
    summary: "A chat that this socket has not joined has changed",
    description:
      "It has what a list of chats needs to show another name, owner or settings. It has no number in the room's log; sockets " +
      "that have joined receive `chat_updated` instead. If `is_named` is false, `name` is the right name for neither of the two people. " +
      "Such a chat also sends it when one of the two comes or goes, because its name in the list is the other person's: load the list again.",
    example: { type: "chat_changed", chat_id: 1, chat: { ...chat, name: "Optics" } },
  },
};
