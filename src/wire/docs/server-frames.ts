// Descriptions and examples of the frames that the server sends, for the documents. The compiler demands one for each frame.
import type { z } from "zod";
import { onlineMax } from "../frames.ts";
import type { serverFrames } from "../server-frames.ts";
import { messageFrame } from "../message-frames.ts";
import { exampleMessage } from "../messages.ts";
import { liveReadsMembersMax } from "../receipts.ts";
import { exampleTime } from "../text.ts";
import { chat, participant, type ServerNote } from "./examples.ts";
import { listNotes } from "./list-frames.ts";
import { mergedNotes } from "./merged-frames.ts";
import { peopleNotes } from "./people-frames.ts";
import { unnumberedNotes } from "./unnumbered-frames.ts";

const message = messageFrame(exampleMessage);
const person = { user_id: participant.id, username: participant.username };
const answer = { type: "bot_stream", chat_id: chat.id, message_id: 124 } as const;

export const serverNotes: {
  [Name in keyof typeof serverFrames]: ServerNote<z.infer<(typeof serverFrames)[Name]>>;
} = {
  message: {
    to: "room",
    summary: "A message was stored",
    description:
      "The sender receives it, too, and recognises it by its `client_id`. After a `join` with `after_seq` it also brings the messages that were missed, in their latest state.",
    example: message,
  },
  message_updated: {
    to: "room",
    summary: "A message was edited or deleted",
    description:
      "The frame has the whole message in its new state: show it instead of the one before. `updated_seq` is the number of the change. " +
      "With a `deleted_at`, the message was deleted and has no content. If it has changed again since, the frame may have the latest state, but with the reactions as of its own number.",
    example: {
      ...message,
      type: "message_updated",
      content: "Never mind.",
      updated_seq: 59,
      edited_at: exampleTime,
    },
  },
  bot_stream_first: {
    to: "room",
    title: "bot_stream, the first",
    summary: "An answer begins",
    description:
      "The first frame of an answer has a `seq`, the number of the answer's message, and an empty chunk. It is sent as soon as the message is stored.",
    example: {
      ...answer,
      chunk: "",
      is_complete: false,
      offset: 0,
      seq: 58,
      answer_to: 123,
      created_at: exampleTime,
    },
  },
  bot_stream: {
    to: "room",
    title: "bot_stream, a piece",
    summary: "A piece of an answer",
    description:
      "A piece has no `seq`, and its `is_complete` is false. `offset` is the position of the chunk in the answer, in UTF-16 units: `text = text.slice(0, offset) + chunk`. " +
      "With `offset: 0` the chunk is the whole text so far: after a `join`, and when an answer continues after a crash.",
    example: { ...answer, chunk: "Air scatters blue light ", is_complete: false, offset: 0 },
  },
  bot_stream_last: {
    to: "room",
    title: "bot_stream, the last",
    summary: "An answer has ended",
    description:
      "The last frame of an answer, which has a true `is_complete`. `full_response` is the stored text: show it instead of the pieces. `attachments` has the pictures of an answer to `/image`.",
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
  reaction: {
    to: "room",
    summary: "Somebody has reacted to a message, or has taken a reaction back",
    description:
      "The person receives it, too. Set the emoji's count to `count`, and add the person to `user_ids` or remove them: a frame may tell of a " +
      "reaction that the message already shows. An emoji whose `count` is 0 disappears; one that the message does not have is added at the " +
      "end. `updated_seq` is the number of the change, and the message's new `updated_seq`. Of more than 100 people, `user_ids` that are kept " +
      "up to date by frames can name more or fewer than the message has when it is loaded again; `count` is always exact.",
    example: {
      type: "reaction",
      chat_id: 1,
      message_id: 123,
      emoji: "👍",
      ...person,
      on: true,
      count: 1,
      updated_seq: 60,
    },
  },
  participant_added: {
    to: "room",
    summary: "Somebody became a participant",
    example: { type: "participant_added", chat_id: 1, participant, updated_seq: 60 },
  },
  participant_updated: {
    to: "room",
    summary: "A participant has another role",
    description:
      "A moderator, or a member again. A new owner is told of by `chat_updated` instead; the owner of before is a member then.",
    example: { type: "participant_updated", chat_id: 1, participant, updated_seq: 61 },
  },
  participant_removed: {
    to: "room",
    summary: "Somebody left or was removed",
    description:
      "That person receives it, too, as the last frame of the room: nothing with a higher number is sent to them.",
    example: { type: "participant_removed", chat_id: 1, ...person, updated_seq: 61 },
  },
  chat_updated: {
    to: "room",
    summary: "The chat has changed",
    description:
      "The name, the owner or the settings changed. Sockets that have not joined receive `chat_changed`. If the chat's `is_named` is false, `name` is the right name for neither of the two people: " +
      "show the other person's username.",
    example: {
      type: "chat_updated",
      chat_id: 1,
      chat: { ...chat, name: "Optics", last_seq: 62, updated_seq: 62 },
      updated_seq: 62,
    },
  },
  ...unnumberedNotes,
  joined: {
    to: "socket",
    summary: "You have joined a chat",
    description:
      "Everything above `last_seq` is sent live from now on. `online` includes you; in a large room it lists " +
      `${onlineMax} people, while \`online_count\` counts all. Neither has other people who are invisible. \`reads\` has your own read position first, and the ` +
      `positions of the others who have read something, unless the chat has more than ${liveReadsMembersMax} participants or you do not want to ` +
      "be seen reading; `read` frames follow. One `bot_stream` with `offset: 0` follows for each answer that is running.",
    example: {
      type: "joined",
      chat_id: 1,
      last_seq: 57,
      recovered: true,
      online: [{ user_id: 7, username: "john_doe" }, person],
      online_count: 2,
      reads: [
        { user_id: 7, last_read_seq: 57, joined_seq: 0, read_at: exampleTime },
        { user_id: 9, last_read_seq: 55, joined_seq: 12, read_at: exampleTime },
      ],
      request_id: 2,
    },
  },
  ...listNotes,
  ...mergedNotes,
  presence: {
    to: "socket",
    summary: "The status of people that you watch",
    description:
      "After `watch_presence` it has everybody in the list, later only those who have changed: at most one frame a second. " +
      "Somebody whose last socket has closed counts as offline after 5 s, if they don't come back. `last_seen_at` tells " +
      "when somebody who is offline was last there, as far as others may know it.",
    example: {
      type: "presence",
      users: [
        { user_id: 7, status: "online", last_seen_at: null },
        { user_id: participant.id, status: "offline", last_seen_at: exampleTime },
      ],
    },
  },
  ...peopleNotes,
  pong: {
    to: "socket",
    summary: "The server responds",
    example: { type: "pong", request_id: 5 },
  },
  ack: {
    to: "socket",
    summary: "The request was carried out",
    description:
      "For a `message` it has the number and the id of the stored message, which no crash loses from now on; for `edit` and `delete` also " +
      "the number of the last change of the message, `updated_seq`.",
    example: { type: "ack", request_id: 3, message_id: 123, seq: 57 },
  },
  error: {
    to: "socket",
    summary: "The request was refused",
    description:
      "`code` is the last part of the HTTP problem's `type`, and `detail` is a sentence for a person. The socket stays open.",
    example: {
      type: "error",
      code: "not_found",
      detail: "There is no such chat, or you are not in it.",
      chat_id: 1,
      request_id: 2,
    },
  },
};
