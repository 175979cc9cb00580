// Deletes bots: one that its owner does not want any more, or all of an owner who is gone.
import { endSessions } from "../accounts/recent-sessions.ts";
import type { Actor } from "../audit/queries.ts";
import type { Ctx } from "../context.ts";
import { deletedUsername } from "../wire/deleted-username.ts";
import { deleteSessions, markBotsDeleted } from "./account-queries.ts";
import type { Deletion } from "./job-queries.ts";
import { leaveChats } from "./leave-chats.ts";

/**
 * Deletes bots as accounts are deleted. Their keys and sockets end at once; they leave their chats before it returns, unless the
 * database fails meanwhile, and then the recurring task goes on.
 * @param botId only this bot of the owner; undefined for all of them
 * @returns how many were deleted
 */
export async function deleteBots(
  ctx: Ctx,
  owner: Actor,
  bots: { botId: number | undefined; erases: boolean },
): Promise<number> {
  const deleted = await markBotsDeleted(ctx.sql, owner, bots);
  endSessions(ctx, deleted.session_ids);
  for (const userId of deleted.user_ids) {
    try {
      // A key that was created while that statement waited has a session that is not in its snapshot.
      endSessions(ctx, await deleteSessions(ctx.sql, userId));
      await leaveChats(ctx, userId);
    } catch (error) {
      ctx.log.warn(
        { err: error, userId },
        "a deleted bot has not left all chats; it will be tried again",
      );
    }
  }
  return deleted.user_ids.length;
}

/** Deletes the bots of an account that was deleted: a bot may have been created at that moment, or the server was killed. */
export async function deleteBotsOfDeleted(
  ctx: Ctx,
  { user_id: id, erases }: Pick<Deletion, "user_id" | "erases">,
): Promise<void> {
  const owner = { id, username: deletedUsername, source: { address: "", userAgent: null } };
  await deleteBots(ctx, owner, { botId: undefined, erases });
}
