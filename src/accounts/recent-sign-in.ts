import type { Ctx } from "../context.ts";
import { Problem } from "../wire/problems.ts";
import type { Caller } from "./access-tokens.ts";
import { checkSessionAgain } from "./authentication.ts";
import { isRecentSignIn } from "./session-queries.ts";

const recentSeconds = 10 * 60;

/** Whether the caller's session was begun by a sign-in within the last 10 minutes, which shows as well as a password who somebody is. */
export async function hasRecentSignIn(ctx: Ctx, caller: Caller): Promise<boolean> {
  return await isRecentSignIn(ctx.sql, caller.sessionId, recentSeconds);
}

/**
 * For what would outlast a stolen session: another way to sign in, an authenticator app that keeps the owner out, or an address that is told
 * of messages (OWASP ASVS 5.0, 7.5.1).
 * @throws Problem `sign_in_again`, `invalid_token` when the session has ended meanwhile
 */
export async function requireRecentSignIn(ctx: Ctx, caller: Caller): Promise<void> {
  if (await hasRecentSignIn(ctx, caller)) return;
  await checkSessionAgain(ctx, caller);
  throw new Problem(
    "sign_in_again",
    "Your sign-in is too long ago for this. Sign out, sign in again, and repeat it within 10 minutes.",
  );
}
