// What the documents say of each frame that a client sends, with an example. One that is not in here doesn't compile.
import type { z } from "zod";
import type { ClientFrame } from "../frames.ts";
import type { serverFrames } from "../server-frames.ts";

export interface ClientNote<Example = object> {
  summary: string;
  description?: string;
  /** What answers it, if it carries a `request_id`. */
  reply: keyof typeof serverFrames;
  example: Example;
}

export const clientNotes: {
  [Type in ClientFrame["type"]]: ClientNote<Extract<z.input<typeof ClientFrame>, { type: Type }>>;
} = {
  auth: {
    summary: "Say who you are, or go on being it",
    description:
      "The first frame of a socket that was opened without a token, within 5 s. Later, with a new access token or a ticket of " +
      "the same person, it renews the session before the old token expires.",
    reply: "ack",
    example: {
      type: "auth",
      token: "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl",
      request_id: 1,
    },
  },
  join: {
    summary: "Hear what happens in a chat",
    description:
      "With `after_seq`, what was missed comes first: every message whose `updated_seq` is above that number, then `joined`, then live frames. " +
      "A second `join` of the same chat is a fresh start. Leaving the chat, a removal and its deletion end it.",
    reply: "joined",
    example: { type: "join", chat_id: 1, after_seq: 56, request_id: 2 },
  },
  message: {
    summary: "Send a message",
    description:
      "Needs membership, not a `join`. `/bot …` asks the model; in an AI chat every message does. Send a `client_id` of " +
      "your own, and send the frame again with it until it is acknowledged: it is stored once.",
    reply: "ack",
    example: {
      type: "message",
      chat_id: 1,
      content: "/bot Why is the sky blue?",
      client_id: "b1c6a2f0-01",
      request_id: 3,
    },
  },
  typing: {
    summary: "Show that you are typing",
    description:
      "Passed on at most once per 3 s and person, and never stored; what is not passed on is acknowledged, too. " +
      "Needs membership, not a `join`. Send it while keys are pressed.",
    reply: "ack",
    example: { type: "typing", chat_id: 1 },
  },
  leave: {
    summary: "Hear no more of a chat's live frames",
    description:
      "You stay its participant, and hear of new messages by `chat_activity`. A chat that was not joined is left as well. `POST /api/chats/{chat_id}/leave` ends that.",
    reply: "ack",
    example: { type: "leave", chat_id: 1 },
  },
  stop: {
    summary: "Stop a running answer",
    description:
      "Any participant may, without a `join`. The text so far is kept. Acknowledged after the answer's last frame was stored.",
    reply: "ack",
    example: { type: "stop", chat_id: 1, message_id: 124, request_id: 4 },
  },
  ping: {
    summary: "Ask whether the server is there",
    description:
      "Never needed to keep a socket open: the server sends WebSocket pings, which every client library answers by itself.",
    reply: "pong",
    example: { type: "ping", request_id: 5 },
  },
};
