// The form of the documents' notes on server frames, and the resources in their examples.
import type { Chat } from "../chats.ts";

/** Who gets a frame: everyone who has joined the chat, all sockets of one person, or the socket that asked. */
export type Addressee = "room" | "person" | "socket";

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
