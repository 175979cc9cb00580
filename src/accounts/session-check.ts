// A recurring look at the sessions of this server's sockets.
import type { Ctx } from "../context.ts";
import { findLiveSessions } from "./queries.ts";
import { dropSessions } from "./recent-sessions.ts";
import { applyVisibility } from "./visibility.ts";

/** Sessions that one statement looks up. */
const pageSize = 1_000;

/**
 * Closes sockets of sessions that another server has ended, and hides or shows people who have told another server to. A
 * server does both for its own sockets only.
 * @param ids the sessions of this server's sockets
 */
export async function checkSessions(ctx: Ctx, ids: readonly string[]): Promise<void> {
  for (let from = 0; from < ids.length; from += pageSize) {
    const page = ids.slice(from, from + pageSize);
    const readAtMs = performance.now();
    const found = await findLiveSessions(ctx.sql, page);
    const live = new Set(found.map(({ id }) => id));
    dropSessions(
      ctx,
      page.filter((id) => !live.has(id)),
    );
    for (const { user_id: userId, is_hidden: isHidden } of found) {
      applyVisibility(ctx, { userId, isHidden, readAtMs });
    }
  }
}
