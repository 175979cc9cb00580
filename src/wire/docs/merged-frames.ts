// Texts of the AsyncAPI document about the frames of merged sockets.
import type { z } from "zod";
import type { mergedFrames } from "../merged-frames.ts";
import { mergedMessage } from "../merged-frames.ts";
import { messageFrame } from "../message-frames.ts";
import { exampleMessage } from "../messages.ts";
import { exampleTime as time } from "../text.ts";
import type { ServerNote } from "./examples.ts";

const message = messageFrame(exampleMessage);
const nested = mergedMessage(exampleMessage);
const answer = { type: "bot_stream", chat_id: message.chat_id, message_id: 124 } as const;
const nestedAnswer = {
  id: answer.message_id,
  chat_id: answer.chat_id,
  user_id: null,
  username: "Gemini",
  content: "Air scatters blue light ",
  is_bot: true,
  created_at: time,
};

export const mergedNotes: {
  [Name in keyof typeof mergedFrames]: ServerNote<z.infer<(typeof mergedFrames)[Name]>>;
} = {
  message_merged: {
    to: "merged",
    title: "message, merged",
    summary: "A new message of a chat that this socket has joined",
    description: "All members of `message`, and the message once more as `message`.",
    example: { ...message, message: nested },
  },
  message_nested: {
    to: "merged",
    title: "message, nested only",
    summary: "A new message of a chat that this socket has not joined",
    description:
      "It has no flat members, so that a client which reads only these shows nothing of another chat. Of an answer once, " +
      "when it has ended.",
    example: { type: "message", message: nested },
  },
  bot_stream_first_merged: {
    to: "merged",
    title: "bot_stream, the first, merged",
    summary: "An answer begins in a chat that this socket has joined",
    description:
      "All members of the first `bot_stream`, and the answer, still empty, as `message`.",
    example: {
      ...answer,
      chunk: "",
      is_complete: false,
      offset: 0,
      seq: 58,
      answer_to: 123,
      created_at: time,
      message: { ...nestedAnswer, content: "" },
    },
  },
  bot_stream_merged: {
    to: "merged",
    title: "bot_stream, a piece, merged",
    summary: "A piece of an answer, with the whole text so far",
    description:
      "`message` has all the text so far. It comes with `offset: 0`, and each time that the text has grown by an eighth (by a " +
      "quarter from 16,000 characters on), at least by 32 characters; other pieces have no `message`.",
    example: {
      ...answer,
      chunk: "Air scatters blue light ",
      is_complete: false,
      offset: 0,
      message: nestedAnswer,
    },
  },
  bot_stream_last_merged: {
    to: "merged",
    title: "bot_stream, the last, merged",
    summary: "An answer has ended",
    description:
      "All members of the last `bot_stream`. The `content` of its `message` is the whole answer, or the `error` sentence if " +
      "there is no text, or words that say that the answer was stopped.",
    example: {
      ...answer,
      chunk: "",
      is_complete: true,
      offset: 24,
      full_response: "Air scatters blue light ",
      status: "stopped",
      updated_seq: 59,
      usage: null,
      message: nestedAnswer,
    },
  },
  read_receipts_updated: {
    to: "merged",
    summary: "Somebody has read a chat",
    description:
      "After `POST /api/chats/{chat_id}/mark-read` has moved a read position: at most once a second and chat, with the newest " +
      "state. `read_receipts` is what `GET /api/chats/{chat_id}/read-receipts` returns, and replaces what was shown before. It " +
      "goes to the sockets of all participants, the reader's own too, whether they have joined the chat or not.",
    example: {
      type: "read_receipts_updated",
      chat_id: 1,
      read_receipts: { "123": [{ user_id: 9, username: "jane_doe", read_at: time }] },
    },
  },
};
