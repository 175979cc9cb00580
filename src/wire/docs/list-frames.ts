// Descriptions and examples of the frames that keep a list of chats up to date, for the documents.
import type { z } from "zod";
import type { listFrames } from "../list-frames.ts";
import { exampleTime } from "../text.ts";
import { chat, type ServerNote } from "./examples.ts";

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
    summary: "You have read a chat up to a number",
    description:
      "It is sent to all sockets of the person after `POST /api/chats/{chat_id}/mark-read` has moved the read position, so " +
      "that their other clients show the chat as read, too. A position never moves back: of several frames the highest " +
      "number counts. In a later version `reads` may have the positions of other people.",
    example: { type: "read", chat_id: 1, reads: [{ user_id: 9, last_read_seq: 57 }] },
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
  chat_activity: {
    to: "person",
    summary: "A message was stored in a chat that this socket has not joined",
    description:
      "It has what a chat list needs to show the chat as unread. For an answer it is sent once, at its end, with the `seq` of the answer's first frame. The sender's own sockets that have not joined receive it, too.",
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
      "that have joined receive `chat_updated` instead. If `is_named` is false, `name` is the right name for neither of the two people.",
    example: { type: "chat_changed", chat_id: 1, chat: { ...chat, name: "Optics" } },
  },
};
