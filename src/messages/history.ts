// The history of a chat, page by page.
import type { Caller } from "../accounts/access-tokens.ts";
import { chatNotFound } from "../chats/actions.ts";
import type { Ctx } from "../context.ts";
import { findMessages } from "../log/page-queries.ts";
import type { HistoryQuery, Message } from "../wire/messages.ts";

export interface HistoryPage {
  messages: Message[];
  /** Whether there are older messages, which `before_seq` with the number of the first one leads to. */
  hasOlder: boolean;
  /** Whether there are newer messages, which `after_seq` with the number of the last one leads to. */
  hasNewer: boolean;
}

/**
 * Lists a page of a chat's messages, oldest first. Without a cursor the page holds the newest messages.
 * @throws Problem `not_found` for a chat that the caller is not in
 */
export async function listMessages(
  ctx: Ctx,
  caller: Caller,
  chatId: number,
  query: HistoryQuery,
): Promise<HistoryPage> {
  if (query.around_seq !== undefined) {
    return await listAround(ctx, caller, chatId, { seq: query.around_seq, limit: query.limit });
  }
  const forward = query.after_seq !== undefined;
  const found = await findMessages(ctx.sql, caller.id, chatId, {
    after: query.after_seq,
    before: query.before_seq,
    fromOldest: forward,
    limit: query.limit + 1,
  });
  if (!found) throw chatNotFound();
  const more = found.length > query.limit;
  if (forward) {
    return {
      messages: found.slice(0, query.limit),
      hasOlder: (query.after_seq ?? 0) > 0,
      hasNewer: more,
    };
  }
  return {
    messages: more ? found.slice(1) : found,
    hasOlder: more,
    hasNewer: query.before_seq !== undefined,
  };
}

async function listAround(
  ctx: Ctx,
  caller: Caller,
  chatId: number,
  { seq, limit }: { seq: number; limit: number },
): Promise<HistoryPage> {
  const olderMax = Math.floor(limit / 2);
  const newerMax = limit - olderMax;
  const [older, newer] = await Promise.all([
    findMessages(ctx.sql, caller.id, chatId, {
      after: undefined,
      before: seq,
      fromOldest: false,
      limit: olderMax + 1,
    }),
    findMessages(ctx.sql, caller.id, chatId, {
      after: seq - 1,
      before: undefined,
      fromOldest: true,
      limit: newerMax + 1,
    }),
  ]);
  if (!older || !newer) throw chatNotFound();
  return {
    messages: [...older.slice(Math.max(0, older.length - olderMax)), ...newer.slice(0, newerMax)],
    hasOlder: older.length > olderMax,
    hasNewer: newer.length > newerMax,
  };
}
