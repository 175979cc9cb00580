// What the documents say of each frame that the server sends, with an example. One that is not in here doesn't compile.
import type { z } from "zod";
import type { Participant } from "../chats.ts";
import type { serverFrames } from "../server-frames.ts";
import { answer, chat, message, time, type ServerNote } from "./examples.ts";
import { listNotes } from "./list-frames.ts";
import { mergedNotes } from "./merged-frames.ts";

const participant: Participant = {
  id: 9,
  username: "jane_doe",
  role: "member",
  joined_at: time,
  created_at: time,
};

const person = { user_id: 9, username: "jane_doe" };

export const serverNotes: {
  [Name in keyof typeof serverFrames]: ServerNote<z.infer<(typeof serverFrames)[Name]>>;
} = {
  message: {
    to: "room",
    summary: "A new message, once it is committed",
    description:
      "Also to its sender, who knows it by `client_id`. After a `join` with `after_seq`, also what was missed, in its latest state.",
    example: { type: "message", ...message },
  },
  message_updated: {
    to: "room",
    summary: "A message has changed",
    description:
      "The whole message in its new state. `updated_seq` is the change's own number. Nothing causes it in this version; take it " +
      "for those that follow.",
    example: { type: "message_updated", ...message, content: "Never mind.", updated_seq: 59 },
  },
  bot_stream_first: {
    to: "room",
    title: "bot_stream, the first",
    summary: "An answer begins",
    description:
      "The one with a `seq`: the number of the answer's message, as soon as that is stored. Its chunk is empty.",
    example: {
      ...answer,
      chunk: "",
      is_complete: false,
      offset: 0,
      seq: 58,
      answer_to: 123,
      created_at: time,
    },
  },
  bot_stream: {
    to: "room",
    title: "bot_stream, a piece",
    summary: "A piece of an answer",
    description:
      "The one without `seq`, and `is_complete` is false. `offset` is where the chunk begins in the answer, in UTF-16 units: `text = text.slice(0, offset) + chunk`. " +
      "With `offset: 0` it is all the text so far: after a `join`, or when an answer goes on after a crash.",
    example: { ...answer, chunk: "Air scatters blue light ", is_complete: false, offset: 0 },
  },
  bot_stream_last: {
    to: "room",
    title: "bot_stream, the last",
    summary: "An answer has ended",
    description:
      "The one whose `is_complete` is true. Exactly one per answer, always the last. `full_response` is the text that is stored; take it.",
    example: {
      ...answer,
      chunk: "",
      is_complete: true,
      offset: 45,
      full_response: "Air scatters blue light more than red light.",
      status: "complete",
      updated_seq: 59,
      usage: {
        prompt_tokens: 52,
        answer_tokens: 11,
        thoughts_tokens: 0,
        cached_tokens: 0,
        total_tokens: 63,
      },
    },
  },
  participant_added: {
    to: "room",
    summary: "Somebody is a participant from now on",
    example: { type: "participant_added", chat_id: 1, participant, updated_seq: 60 },
  },
  participant_removed: {
    to: "room",
    summary: "Somebody has left or was removed",
    description:
      "It goes to them, too, as the last frame of the room: they receive nothing that was written after this number.",
    example: { type: "participant_removed", chat_id: 1, ...person, updated_seq: 61 },
  },
  chat_updated: {
    to: "room",
    summary: "The chat has changed",
    description:
      "Its name, owner or settings. Sockets that have not joined receive `chat_changed`. Of a chat whose `is_named` is false, `name` is that of neither of its two people: " +
      "show the other person's username.",
    example: {
      type: "chat_updated",
      chat_id: 1,
      chat: { ...chat, name: "Optics", last_seq: 62, updated_seq: 62 },
      updated_seq: 62,
    },
  },
  typing: {
    to: "room",
    summary: "Somebody is typing",
    description: "Never to the typist. Show it for some 5 s, or until their message comes.",
    example: { type: "typing", chat_id: 1, ...person },
  },
  user_joined: {
    to: "room",
    summary: "Somebody is here",
    description: "With the person's first socket that has joined. Never to that socket itself.",
    example: { type: "user_joined", chat_id: 1, ...person },
  },
  user_left: {
    to: "room",
    summary: "Somebody is no longer here",
    description: "With the last of their sockets. They may still be a participant.",
    example: { type: "user_left", chat_id: 1, ...person },
  },
  joined: {
    to: "socket",
    summary: "You have joined a chat",
    description:
      "Everything above `last_seq` comes live from here on. `online` has you, too. Then one `bot_stream` with `offset: 0` for each answer that is running.",
    example: {
      type: "joined",
      chat_id: 1,
      last_seq: 57,
      recovered: true,
      online: [{ user_id: 7, username: "john_doe" }, person],
      request_id: 2,
    },
  },
  ...listNotes,
  ...mergedNotes,
  pong: {
    to: "socket",
    summary: "The server is there",
    example: { type: "pong", request_id: 5 },
  },
  ack: {
    to: "socket",
    summary: "It is done",
    description:
      "Of a `message`, with the number and id under which it is stored: no crash loses it from now on.",
    example: { type: "ack", request_id: 3, message_id: 123, seq: 57 },
  },
  error: {
    to: "socket",
    summary: "Something was refused",
    description:
      "`code` is the last part of the HTTP problem's `type`, `detail` a sentence for a person. The socket stays open.",
    example: {
      type: "error",
      code: "not_found",
      detail: "There is no such chat, or you are not in it.",
      chat_id: 1,
      request_id: 2,
    },
  },
};
