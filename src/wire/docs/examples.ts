// The form of the documents' notes on server frames, and the resources in their examples.
import type { Chat } from "../chats.ts";

/**
 * The sockets that get a frame: all that have joined the chat, all of one person, the one that asked, or merged sockets,
 * which were opened with an access token in the address.
 */
export type Addressee = "room" | "person" | "socket" | "merged";

export const addressees: Record<Addressee, { summary: string; description: string }> = {
  room: {
    summary: "To everyone who has joined the chat",
    description: "Every socket that has sent `join` for the `chat_id`, the sender's own too.",
  },
  person: {
    summary: "To all sockets of a person",
    description:
      "Whether they have joined the chat or not; but `chat_activity` and `chat_changed` only to those that have not.",
  },
  socket: {
    summary: "To the socket that asked",
    description:
      "Once the socket is signed in, a frame with a `request_id` gets exactly one reply with it. Without one only `join`, `ping` and errors are answered.",
  },
  merged: {
    summary: "To merged sockets",
    description:
      "Sockets that were opened with an access token in the address, without `&frames=flat`. They get all frames above, but " +
      "`message` and `bot_stream` in these forms, with a nested `message`, as clients of the FastAPI server read them; and the " +
      "messages of all chats of their person, joined or not. A socket that was opened with a ticket or a first `auth` frame " +
      "gets none of these.",
  },
};

export interface ServerNote<Example = object> {
  to: Addressee;
  /** Where several frames share a type: which one this is. */
  title?: string;
  summary: string;
  description?: string;
  example: Example;
}

export const time = "2026-11-22T10:15:30.123Z";

export const chat: Chat = {
  id: 1,
  name: "Physics homework",
  is_named: true,
  owner_id: 7,
  is_group: true,
  is_ai_chat: false,
  created_at: time,
  last_seq: 57,
  updated_seq: 12,
  settings: {
    model: null,
    persona: "A patient teacher of physics.",
    temperature: 0.7,
    thinking_budget: null,
    google_search: false,
  },
};

export const message = {
  chat_id: 1,
  message_id: 123,
  username: "john_doe",
  content: "/bot Why is the sky blue?",
  is_bot: false,
  created_at: time,
  seq: 57,
  updated_seq: 57,
  user_id: 7,
  status: "complete",
  answer_to: null,
  client_id: "b1c6a2f0-01",
  error: null,
  sources: null,
} as const;

export const answer = { type: "bot_stream", chat_id: 1, message_id: 124 } as const;
