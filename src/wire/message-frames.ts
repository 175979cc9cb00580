// Frames that show a stored message.
import type { z } from "zod";
import { nameOfFirst } from "./attachments.ts";
import {
  BotStreamLastFrame,
  type BotStreamFirstFrame,
  type MessageFrame,
  type MessageUpdatedFrame,
} from "./frames.ts";
import { previewMax, type ActivityFrame, type MentionFrame } from "./list-frames.ts";
import type { Message, Usage } from "./messages.ts";

/**
 * The frame has all members of the message. Copying them takes about 1 µs longer than a literal that lists them would.
 * @param updatedSeq the number that the frame has
 */
export function messageFrame(
  message: Message,
  updatedSeq = message.updated_seq,
): z.infer<typeof MessageFrame> {
  const { id: message_id, ...members } = message;
  return { type: "message", message_id, ...members, updated_seq: updatedSeq };
}

/** The frame of an edit or a deletion. `message.updated_seq` is its number. */
export function updatedFrame(message: Message): z.infer<typeof MessageUpdatedFrame> {
  return { ...messageFrame(message), type: "message_updated" };
}

/** The text of a {@link messageFrame}, from the message in JSON, whose first member is its id. */
export function messageFrameText(json: string): string {
  return json.replace(/^\{"id":/, '{"type":"message","message_id":');
}

export function activityFrame(message: Message): ActivityFrame {
  return {
    type: "chat_activity",
    chat_id: message.chat_id,
    seq: message.seq,
    user_id: message.user_id,
    username: message.username,
    is_bot: message.is_bot,
    last_message: previewOf(message),
    last_message_time: message.created_at,
  };
}

export function mentionFrame(message: Message): MentionFrame {
  return {
    type: "mention",
    chat_id: message.chat_id,
    message_id: message.id,
    seq: message.seq,
    username: message.username,
    preview: previewOf(message),
  };
}

/** The beginning of a message, or the name of its first file. */
export const previewOf = ({ content, attachments }: Pick<Message, "content" | "attachments">) =>
  (content || nameOfFirst(attachments)).slice(0, previewMax).toWellFormed();

export function firstStreamFrame(answer: Message): z.infer<typeof BotStreamFirstFrame> {
  return {
    type: "bot_stream",
    chat_id: answer.chat_id,
    message_id: answer.id,
    chunk: "",
    is_complete: false,
    offset: 0,
    seq: answer.seq,
    answer_to: answer.answer_to,
    created_at: answer.created_at,
  };
}

/** An answer that has ended, as it is stored. */
export interface EndedAnswer {
  message: Message;
  usage: Usage | null;
}

export function lastStreamFrame(ended: EndedAnswer): z.infer<typeof BotStreamLastFrame> {
  const { message, usage } = ended;
  return {
    type: "bot_stream",
    chat_id: message.chat_id,
    message_id: message.id,
    chunk: "",
    is_complete: true,
    offset: message.content.length,
    full_response: message.content,
    status: BotStreamLastFrame.shape.status.parse(message.status),
    updated_seq: message.updated_seq,
    usage,
    ...(message.error === null ? {} : { error: message.error }),
    ...(message.sources === null ? {} : { sources: message.sources }),
    ...(message.attachments.length === 0 ? {} : { attachments: message.attachments }),
  };
}
