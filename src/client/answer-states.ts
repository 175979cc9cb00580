// The message of an answer as its first and its last frame describe it.
import type { BotStreamFirstFrame, BotStreamLastFrame } from "../wire/frames.ts";
import type { botUsername, Message } from "../wire/messages.ts";
import type { z } from "zod";

const botName: typeof botUsername = "Gemini";

export function firstState(frame: z.infer<typeof BotStreamFirstFrame>): Message {
  const { type: _, message_id: id, chunk: content, is_complete: __, offset: ___, ...body } = frame;
  return {
    ...body,
    id,
    updated_seq: body.seq,
    user_id: null,
    username: botName,
    content,
    is_bot: true,
    status: "streaming",
    client_id: null,
    error: null,
    sources: null,
    edited_at: null,
    deleted_at: null,
    reply_to: null,
    mentions: [],
    reactions: [],
  };
}

export function lastState(held: Message, frame: z.infer<typeof BotStreamLastFrame>): Message {
  const { full_response: content, status, updated_seq, error = null, sources = null } = frame;
  return { ...held, content, status, updated_seq, error, sources };
}
