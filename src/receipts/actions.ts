// How far people have read.
import type { Caller } from "../accounts/access-tokens.ts";
import { chatNotFound } from "../chats/actions.ts";
import type { Ctx } from "../context.ts";
import type { ReadReceipts } from "../wire/receipts.ts";
import type { ReceiptNotices } from "./notices.ts";
import { findReceipts, updateReadPosition } from "./queries.ts";

/**
 * Moves the read position, never back, and tells the caller's other clients and the chat's merged sockets.
 * @throws Problem `not_found`
 */
export async function markRead(
  ctx: Ctx,
  notices: ReceiptNotices,
  caller: Caller,
  { chatId, seq }: { chatId: number; seq: number | undefined },
): Promise<number> {
  const position = await updateReadPosition(ctx.sql, caller.id, chatId, seq);
  if (position === undefined) throw chatNotFound();
  const { last_read_seq, has_moved } = position;
  if (has_moved) {
    ctx.realtime.toUser(caller.id, {
      type: "read",
      chat_id: chatId,
      reads: [{ user_id: caller.id, last_read_seq }],
    });
    notices.note(chatId);
  }
  return last_read_seq;
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
