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
    client_id: null,
    status: "streaming",
    updated_seq: body.seq,
    is_bot: true,
    mentions: [],
    reactions: [],
    reply_to: null,
    content,
    edited_at: null,
    username: botName,
    deleted_at: null,
    sources: null,
    user_id: null,
    attachments: [],
    error: null,
  };
}

/** A running answer has no error, sources and files yet: the frame has them where there are any. */
export function lastState(held: Message, frame: z.infer<typeof BotStreamLastFrame>): Message {
  const {
    type: _,
    message_id: id,
    chunk: __,
    is_complete: ___,
    offset: ____,
    usage: _____,
    full_response: content,
    ...body
  } = frame;
  return { ...held, content, ...body };
}
