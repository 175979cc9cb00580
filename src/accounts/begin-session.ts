// The end of every way to sign in.
import type { Source } from "../audit/queries.ts";
import type { Ctx } from "../context.ts";
import type { Tokens } from "../wire/users.ts";
import { hashSecret, makeSecret } from "./access-tokens.ts";
import { insertSession, type SessionUser } from "./queries.ts";
import { endSessions } from "./recent-sessions.ts";
import { sessionTokens } from "./refresh.ts";

/**
 * Begins a session of a person who has shown who they are.
 * @param how what the audit trail says about the sign-in
 * @returns undefined if the password was changed, or the account deleted, since `user` was read
 */
export async function beginSession(
  ctx: Ctx,
  user: SessionUser & { hashed_password: string },
  source: Source,
  how: Record<string, string> = {},
): Promise<Tokens | undefined> {
  const sessionId = crypto.randomUUID();
  const secret = makeSecret();
  const begun = await insertSession(ctx.sql, {
    id: sessionId,
    user,
    hashedPassword: user.hashed_password,
    refreshTokenHash: hashSecret(secret),
    ttlSeconds: ctx.config.refreshTokenTtlSeconds,
    source,
    how,
  });
  if (!begun) return undefined;
  endSessions(ctx, begun.ended_ids);
  return await sessionTokens(ctx, user, sessionId, secret);
}
