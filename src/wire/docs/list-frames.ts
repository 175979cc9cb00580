// What the documents say of the frames that a list of chats is kept up to date with.
import type { z } from "zod";
import type { listFrames } from "../list-frames.ts";
import { chat, time, type ServerNote } from "./examples.ts";

export const listNotes: {
  [Name in keyof typeof listFrames]: ServerNote<z.infer<(typeof listFrames)[Name]>>;
} = {
  chat_created: {
    to: "person",
    summary: "A new chat that you are in",
    description: "Also to the one who opened it: their other devices show it, too.",
    example: { type: "chat_created", chat, notification: "You created Physics homework" },
  },
  chat_invite: {
    to: "person",
    summary: "You were invited, and are a participant from now on",
    example: {
      type: "chat_invite",
      chat,
      notification: "john_doe invited you to Physics homework",
    },
  },
  chat_deleted: {
    to: "person",
    summary: "A chat of yours is gone",
    example: {
      type: "chat_deleted",
      chat_id: 1,
      notification: "Physics homework was deleted",
    },
  },
  removed_from_chat: {
    to: "person",
    summary: "You are no longer in a chat",
    description: "Also to the other devices of somebody who left.",
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
      "After `POST /api/chats/{chat_id}/mark-read` has moved the read position: to all sockets of the person, so that " +
      "their other clients show the chat as read, too. A position never moves back: of several frames the highest number " +
      "counts. `reads` may have positions of other people in a later version.",
    example: { type: "read", chat_id: 1, reads: [{ user_id: 9, last_read_seq: 57 }] },
  },
  chat_activity: {
    to: "person",
    summary: "Something was written in a chat that this socket has not joined",
    description:
      "What a chat list needs to show it as unread. Of an answer once, when it ends, with the `seq` it began with. Also to the sender's sockets that have not joined.",
    example: {
      type: "chat_activity",
      chat_id: 1,
      seq: 58,
      user_id: 9,
      username: "jane_doe",
      is_bot: false,
      last_message: "Has anybody done number 3?",
      last_message_time: time,
    },
  },
  chat_changed: {
    to: "person",
    summary: "A chat that this socket has not joined has changed",
    description:
      "What a list of chats needs to show another name, owner or settings. It is no part of the room's order; who has joined " +
      "receives `chat_updated`. Of a chat whose `is_named` is false, `name` is that of neither of its two people.",
    example: { type: "chat_changed", chat_id: 1, chat: { ...chat, name: "Optics" } },
  },
};
