// The form of the descriptions of server frames, and the resources in their examples.
import type { Chat, Participant } from "../chats.ts";
import { exampleMessage } from "../messages.ts";
import type { Report } from "../moderation.ts";
import { exampleTime } from "../text.ts";

/**
 * The sockets that receive a frame: those that have joined the chat, all of one person, the one that asked, or merged
 * sockets, which were opened with an access token in the URL.
 */
export type Addressee = "room" | "person" | "socket" | "merged";

export const addressees: Record<Addressee, { summary: string; description: string }> = {
  room: {
    summary: "To everyone who has joined the chat",
    description:
      "These frames go to every socket that has sent `join` for the `chat_id`, including the sender's own.",
  },
  person: {
    summary: "To all sockets of a person",
    description:
      "These frames go to sockets that have joined the chat and to those that have not. `chat_activity` and `chat_changed` go only to those that have not.",
  },
  socket: {
    summary: "To the socket that asked",
    description:
      "Once a socket is signed in, every frame with a `request_id` gets exactly one reply with the same `request_id`. Without a `request_id`, the server replies only to `join` and `ping`, and with errors.",
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
  /** Tells frames of the same type apart. */
  title?: string;
  summary: string;
  description?: string;
  example: Example;
}

export const chat: Chat = {
  id: 1,
  name: "Physics homework",
  is_named: true,
  owner_id: 7,
  is_group: true,
  is_ai_chat: false,
  created_at: exampleTime,
  last_seq: 57,
  updated_seq: 12,
  settings: {
    model: null,
    persona: "A patient teacher of physics.",
    temperature: 0.7,
    thinking_budget: null,
    google_search: false,
  },
  picture_url: null,
};

export const participant: Participant = {
  id: 9,
  username: "jane_doe",
  role: "member",
  joined_at: exampleTime,
  created_at: exampleTime,
  display_name: "Jane Doe",
  avatar_url: null,
  is_bot_account: false,
};

export const report: Report = {
  id: 3,
  chat_id: 1,
  message: exampleMessage,
  reporter: { user_id: participant.id, username: participant.username },
  reason: "It insults somebody.",
  status: "open",
  handled_by: "moderators",
  created_at: exampleTime,
  resolved_at: null,
  resolved_by: null,
};
