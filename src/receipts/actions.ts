// Stores the read positions of people.
import type { Caller } from "../accounts/access-tokens.ts";
import { chatNotFound } from "../chats/actions.ts";
import { isParticipant } from "../chats/participant-queries.ts";
import type { Ctx } from "../context.ts";
import { Problem } from "../wire/problems.ts";
import type { Reader, ReadReceipts } from "../wire/receipts.ts";
import type { ReadNotices } from "./notices.ts";
import { updateReadPosition } from "./position-queries.ts";
import { findReaders, findReceipts } from "./queries.ts";

/**
 * Moves the read position, never back, and tells the caller's other clients and the people of the chat.
 * @throws Problem `not_found`
 */
export async function markRead(
  ctx: Ctx,
  notices: ReadNotices,
  caller: Caller,
  { chatId, seq }: { chatId: number; seq: number | undefined },
): Promise<number> {
  const position = await updateReadPosition(ctx.sql, caller.id, chatId, seq);
  if (position === undefined) throw chatNotFound();
  const { has_moved, ...read } = position;
  if (has_moved) {
    ctx.realtime.toUser(caller.id, { type: "read", chat_id: chatId, reads: [read] });
    notices.note(chatId, caller.id);
    ctx.peers.readMoved(chatId, caller.id);
  }
  return read.last_read_seq;
}

/** The readers of some messages, or of the newest. Ids of other chats' messages are left out. @throws Problem `not_found` */
export async function listReceipts(
  ctx: Ctx,
  caller: Caller,
  chatId: number,
  messageIds: number[] | undefined,
): Promise<ReadReceipts> {
  const found = await findReceipts(ctx.sql, caller.id, chatId, messageIds);
  if (!found) throw chatNotFound();
  return found.receipts;
}

/** The readers of one message, however many they are. @throws Problem `not_found` for the chat, or for the message */
export async function listReaders(
  ctx: Ctx,
  caller: Caller,
  chatId: number,
  messageId: number,
): Promise<Reader[]> {
  const readers = await findReaders(ctx.sql, caller.id, chatId, messageId);
  if (readers) return readers;
  if (!(await isParticipant(ctx.sql, caller.id, chatId))) throw chatNotFound();
  throw new Problem("not_found", "There is no such message in this chat.");
}
