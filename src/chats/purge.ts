import type { Ctx } from "../context.ts";
import { purgeDeletedChat } from "./purge-queries.ts";

/** Rows of one statement: it takes some 50 ms, so that other statements hardly wait for it. */
const pageSize = 2_000;
/** Pages of one call at most. */
const pagesMax = 20;

/**
 * Deletes messages and changes of deleted chats, a bounded number in each call. A server calls it once a second while there are some.
 * @returns whether there were any
 */
export async function purgeDeletedChats(ctx: Ctx): Promise<boolean> {
  for (let page = 0; page < pagesMax && !ctx.lifecycle.closing; page += 1) {
    const purged = await purgeDeletedChat(ctx.sql, pageSize);
    if (!purged) return page > 0;
    if (purged.rows === 0) ctx.log.debug({ chatId: purged.chat_id }, "a deleted chat is purged");
  }
  return true;
}
