// The previews of a list of chats, and the order that follows from them.
import type { ChatSummary } from "../wire/chats.ts";
import type { Message } from "../wire/messages.ts";

/** The text of a message as the server's list has it. */
export function previewOf({
  content,
  attachments: [file] = [],
}: Pick<Message, "content"> & Partial<Pick<Message, "attachments">>): string {
  return content || (file?.kind === "voice" ? "Voice message" : (file?.name ?? ""));
}

/** The time by which the server orders the list. */
const activeAt = (chat: ChatSummary) => chat.last_message_time ?? chat.created_at;

/**
 * Shows the newest message of a chat, and moves the chat to the place of that message's time: an old message that was edited stays
 * behind newer ones of other chats.
 * @returns the same list for a chat that is not in it, and for one that shows a newer message
 */
export function withPreview(
  chats: readonly ChatSummary[],
  chatId: number,
  { text, time }: { text: string; time: string },
): readonly ChatSummary[] {
  const chat = chats.find(({ id }) => id === chatId);
  if (!chat || (chat.last_message_time ?? "") > time) return chats;
  const others = chats.filter((other) => other !== chat);
  const newer = others.findLastIndex((other) => activeAt(other) > time);
  return others.toSpliced(newer + 1, 0, { ...chat, last_message: text, last_message_time: time });
}
