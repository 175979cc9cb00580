// The frames of merged sockets, which are those that were opened with an access token in the address. Clients of the
// FastAPI server read the nested `message` of these frames; the flat members stand beside it.
import { z } from "zod";
import { nameOfFirst, type Attachment } from "./attachments.ts";
import { BotStreamFirstFrame, BotStreamFrame, BotStreamLastFrame, MessageFrame } from "./frames.ts";
import { botUsername, Message, type MessageStatus } from "./messages.ts";
import { ReadReceipts } from "./receipts.ts";
import { Id } from "./text.ts";

export const MergedMessage = Message.pick({
  id: true,
  chat_id: true,
  user_id: true,
  username: true,
  content: true,
  is_bot: true,
  created_at: true,
})
  .extend({
    content: z.string().meta({
      description: "Of an answer: the whole text so far; if it has ended without text, the reason",
    }),
  })
  .meta({ id: "MergedMessage" });
export type MergedMessage = z.infer<typeof MergedMessage>;

const nested = { message: MergedMessage };

const NestedMessageFrame = z.object({ type: z.literal("message"), ...nested });
const ReadReceiptsFrame = z.object({
  type: z.literal("read_receipts_updated"),
  chat_id: Id,
  read_receipts: ReadReceipts,
});
export type ReadReceiptsFrame = z.infer<typeof ReadReceiptsFrame>;

/** The frames of merged sockets by the names that they have in the documents. */
export const mergedFrames = {
  message_merged: MessageFrame.extend(nested),
  message_nested: NestedMessageFrame,
  bot_stream_first_merged: BotStreamFirstFrame.extend(nested),
  bot_stream_merged: BotStreamFrame.extend(nested),
  bot_stream_last_merged: BotStreamLastFrame.extend(nested),
  read_receipts_updated: ReadReceiptsFrame,
} as const;

/** The text that a merged socket is shown of a message. An answer that has ended without text would look as if it had not begun. */
export function mergedContent(message: {
  content: string;
  status: MessageStatus;
  error?: string | null;
  attachments?: readonly Attachment[] | undefined;
}): string {
  const { content, status, error, attachments = [] } = message;
  const words = content || error || nameOfFirst(attachments);
  return words || (status === "stopped" ? "The answer was stopped." : "");
}

export function mergedMessage(
  message: Omit<z.infer<typeof MessageFrame>, "type"> | Message,
): MergedMessage {
  const { chat_id, user_id, username, is_bot, created_at } = message;
  const id = "id" in message ? message.id : message.message_id;
  const content = message.deleted_at === null ? mergedContent(message) : "";
  return { id, chat_id, user_id, username, content, is_bot, created_at };
}

/** An answer with the text that has been shown of it. */
export function mergedAnswer(answer: {
  id: number;
  chatId: number;
  createdAt: string;
  text: string;
}): MergedMessage {
  return {
    id: answer.id,
    chat_id: answer.chatId,
    user_id: null,
    username: botUsername,
    content: answer.text,
    is_bot: true,
    created_at: answer.createdAt,
  };
}
