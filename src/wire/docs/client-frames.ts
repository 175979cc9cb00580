// Descriptions and examples of the frames that a client sends, for the documents. The compiler demands one for each frame.
import type { z } from "zod";
import type { ClientFrame } from "../client-frames.ts";
import type { serverFrames } from "../server-frames.ts";

export interface ClientNote<Example = object> {
  summary: string;
  description?: string;
  /** The name of the frame that replies to it if it carries a `request_id`. */
  reply: keyof typeof serverFrames;
  example: Example;
}

export const clientNotes: {
  [Type in ClientFrame["type"]]: ClientNote<Extract<z.input<typeof ClientFrame>, { type: Type }>>;
} = {
  auth: {
    summary: "Sign in, or renew the session of the socket",
    description:
      "The first frame of a socket that was opened without a token; it must arrive within 5 s. Later, an `auth` frame with a " +
      "new access token or a ticket of the same person renews the session before the old token expires. An access key is accepted, too: the " +
      "socket is then sent, and may send, what the key's scopes allow, and keeps the key.",
    reply: "ack",
    example: {
      type: "auth",
      token: "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl",
      request_id: 1,
    },
  },
  join: {
    summary: "Receive the live frames of a chat",
    description:
      "With `after_seq`, the server first sends every message whose `updated_seq` is above that number, then `joined`, then live frames. " +
      "A second `join` of the same chat starts over. The subscription ends when the person leaves the chat or is removed from it, and when " +
      "the chat is deleted.",
    reply: "joined",
    example: { type: "join", chat_id: 1, after_seq: 56, request_id: 2 },
  },
  message: {
    summary: "Send a message",
    description:
      "The sender must be a participant; a `join` is not needed. `/bot …` and `@Gemini` ask the model, `/image …` asks for a picture; in an AI chat every message does. " +
      "`reply_to` names a message of the same chat that has not been deleted. Choose a " +
      "`client_id`, and send the frame again with the same `client_id` until it is acknowledged: the message is stored once.",
    reply: "ack",
    example: {
      type: "message",
      chat_id: 1,
      content: "/bot Why is the sky blue?",
      client_id: "b1c6a2f0-01",
      request_id: 3,
    },
  },
  edit: {
    summary: "Edit a message",
    description:
      "The author may edit a message, without a `join`. Everybody in the room receives `message_updated`. An edit that changes nothing is " +
      "acknowledged, too, so the frame can be sent again until it is. With `if_seq`, which is the `updated_seq` that the author has seen, " +
      "it is refused as `changed_meanwhile` if the message has changed since. An edit of a deleted message is refused as `message_deleted`, " +
      "and empty text as `invalid` unless the message has files.",
    reply: "ack",
    example: {
      type: "edit",
      chat_id: 1,
      message_id: 123,
      content: "/bot Why is the evening sky red?",
      if_seq: 57,
      request_id: 6,
    },
  },
  delete: {
    summary: "Delete a message",
    description:
      "The author and the chat's owner may delete a message, and the person who asked may delete the answer; a `join` is not needed. A " +
      "running answer is stopped first. Everybody in the room receives `message_updated` with `deleted_at` and without content. " +
      "Deleting a message once more is acknowledged, too.",
    reply: "ack",
    example: { type: "delete", chat_id: 1, message_id: 123, request_id: 7 },
  },
  typing: {
    summary: "Show that you are typing",
    description:
      "It is passed on at most once per 3 s and person, on whatever servers the person types, and never stored. A frame that is not passed on is acknowledged, too. " +
      "The sender must be a participant; a `join` is not needed. Send it while the person types.",
    reply: "ack",
    example: { type: "typing", chat_id: 1 },
  },
  read: {
    summary: "Move my read position forward",
    description:
      "The same as `POST /api/chats/{chat_id}/mark-read`, without a `join`. The position never moves back. The `ack` has the position as `seq`. Send it when the person " +
      "has seen the messages, at most about once a second.",
    reply: "ack",
    example: { type: "read", chat_id: 1, seq: 57, request_id: 6 },
  },
  leave: {
    summary: "Stop receiving the live frames of a chat",
    description:
      "You stay a participant and are told of new messages by `chat_activity`. The frame is acknowledged for a chat that was not joined, too. `POST /api/chats/{chat_id}/leave` ends the participation.",
    reply: "ack",
    example: { type: "leave", chat_id: 1 },
  },
  stop: {
    summary: "Stop a running answer",
    description:
      "Any participant may stop an answer, without a `join`. The text so far is kept. The frame is acknowledged after the end of the answer was stored.",
    reply: "ack",
    example: { type: "stop", chat_id: 1, message_id: 124, request_id: 4 },
  },
  presence: {
    summary: "Say whether you are there",
    description:
      "A socket counts as `online` from the start. A person is away when all of their clients have said so, or when for 10 minutes " +
      "none of them has sent a frame other than `ping` and `auth`; the next such frame ends the latter. `away` holds until the " +
      "same socket says `online`, whatever else it sends.",
    reply: "ack",
    example: { type: "presence", status: "away" },
  },
  watch_presence: {
    summary: "Watch the presence of people",
    description:
      "The list replaces the one before; an empty list ends the watch. A `presence` frame with the status of everybody in the list " +
      "comes before the `ack`, and later ones within 2 s of a change. You are told of people who are in a chat with you, " +
      "and of yourself. Everybody else is `offline` with a `last_seen_at` of null, exactly as an id that nobody has, " +
      "until you are in a chat together; when you no longer are, the person is shown so again.",
    reply: "ack",
    example: { type: "watch_presence", user_ids: [7, 9], request_id: 6 },
  },
  react: {
    summary: "React to a message, or take a reaction back",
    description:
      "Any participant may, without a `join`. The emoji is one that Unicode recommends (RGI); variation selectors may be left out. With `on: false` " +
      "the sender's own reaction is taken back. What is already so is acknowledged, and no frame is sent to the room.",
    reply: "ack",
    example: {
      type: "react",
      chat_id: 1,
      message_id: 123,
      emoji: "👍",
      on: true,
      request_id: 6,
    },
  },
  ping: {
    summary: "Check whether the server responds",
    description:
      "It is not needed to keep a socket open: the server sends WebSocket pings, which every client library answers by itself.",
    reply: "pong",
    example: { type: "ping", request_id: 5 },
  },
};
