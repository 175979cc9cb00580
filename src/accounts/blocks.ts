// Blocking people. The blocked person is told nothing: where a block refuses something to them, the server answers as it does for
// somebody who does not exist.
import type { Ctx } from "../context.ts";
import { blockedMax, type BlockedPage, type BlockedQuery } from "../wire/blocks.ts";
import { Problem } from "../wire/problems.ts";
import type { Caller } from "./access-tokens.ts";
import { checkSessionAgain } from "./authentication.ts";
import { deleteBlock, findBlocked, findBlocks, insertBlock } from "./block-queries.ts";
import { personNotFound } from "./profiles.ts";

/**
 * Blocks a person; somebody who is blocked already stays so.
 * @returns a sentence for the caller
 * @throws Problem `not_found`, `invalid` for the caller's own id, `too_many_blocks`
 */
export async function blockPerson(ctx: Ctx, caller: Caller, userId: number): Promise<string> {
  if (userId === caller.id) {
    const detail = "You cannot block yourself.";
    throw new Problem("invalid", detail, { errors: [{ pointer: "/user_id", detail }] });
  }
  const result = await insertBlock(ctx.sql, caller, userId);
  if (!result) {
    await checkSessionAgain(ctx, caller);
    throw personNotFound();
  }
  const { username, outcome } = result;
  if (outcome === "full") {
    throw new Problem(
      "too_many_blocks",
      `You have blocked ${blockedMax.toLocaleString("en-US")} people, which is the most. Unblock somebody first.`,
    );
  }
  if (outcome === "added") await quietChats(ctx, caller.id);
  return outcome === "added" ? `${username} is blocked.` : `${username} is blocked already.`;
}

/** Takes a block back; somebody who is not blocked stays so. @returns a sentence for the caller */
export async function unblockPerson(ctx: Ctx, caller: Caller, userId: number): Promise<string> {
  const wasBlocked = await deleteBlock(ctx.sql, caller, userId);
  if (wasBlocked) await quietChats(ctx, caller.id);
  return wasBlocked ? "The person is no longer blocked." : "The person was not blocked.";
}

export async function listBlocked(
  ctx: Ctx,
  caller: Caller,
  { limit, cursor }: BlockedQuery,
): Promise<BlockedPage> {
  const rows = await findBlocked(ctx.sql, caller.id, { limit: limit + 1, before: cursor });
  const page = rows.slice(0, limit);
  const last = rows.length > limit ? page.at(-1) : undefined;
  return {
    items: page.map(({ person }) => person),
    next_cursor: last ? String(last.id) : null,
  };
}

/** Problem `person_blocked` for an invitation of somebody whom the caller has blocked. */
export function personBlocked(username: string): Problem {
  return new Problem("person_blocked", `You have blocked ${username}. Unblock them first.`);
}

/** Ends the activity of private chats on this server before the caller is answered. Other servers look for the change themselves. */
async function quietChats(ctx: Ctx, userId: number): Promise<void> {
  ctx.peers.lookAt("people");
  ctx.peers.lookAt("presence");
  const listeners = ctx.gateway.listenersOf(userId);
  if (listeners.length === 0) return;
  const readAtMs = performance.now();
  const blocks = (await findBlocks(ctx.sql, [userId])).get(userId);
  for (const listener of listeners) listener.setQuietChats(blocks?.quietChatIds ?? [], readAtMs);
}
