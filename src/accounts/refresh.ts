// The life of a session after its sign-in: refresh tokens are exchanged, and signing out ends it.
import type { Source } from "../audit/queries.ts";
import type { Ctx } from "../context.ts";
import { Problem } from "../wire/problems.ts";
import type { Tokens } from "../wire/users.ts";
import { hashSecret, signAccessToken } from "./access-tokens.ts";
import { deleteSession, findRotated, rotateRefreshToken } from "./queries.ts";
import { endSessions } from "./recent-sessions.ts";

/** A client repeats a refresh after 30 s without a reply, and another tab waits for it as long. */
const refreshGraceSeconds = 60;

/** The tokens of a session. @param secret the refresh token's */
export async function sessionTokens(
  ctx: Ctx,
  user: { id: number; username: string },
  sessionId: string,
  secret: string,
): Promise<Tokens> {
  return {
    access_token: await signAccessToken(ctx, user, sessionId),
    token_type: "bearer",
    expires_in: ctx.config.accessTokenTtlSeconds,
    refresh_token: `${sessionId}.${secret}`,
  };
}

const refreshTokenPattern =
  /^([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})\.([\w-]{43})$/;

function readRefreshToken(token: string): { sessionId: string; secret: string } {
  const [, sessionId, secret] = refreshTokenPattern.exec(token) ?? [];
  if (!sessionId || !secret) throw refusedRefresh();
  return { sessionId, secret };
}

function refusedRefresh(): Problem {
  return new Problem("invalid_token", "The refresh token is not valid any more. Sign in again.");
}

/**
 * Exchanges a refresh token for new tokens. For {@link refreshGraceSeconds} after that the same token returns the same
 * successor, since the reply may have been lost, or several tabs have sent it at once. Any other use of a token that was
 * exchanged before ends its whole session (RFC 9700 §4.14.2): either its owner or a thief holds the newer one.
 * @throws Problem `invalid_token`
 */
export async function refresh(ctx: Ctx, refreshToken: string, source: Source): Promise<Tokens> {
  const { sessionId, secret } = readRefreshToken(refreshToken);
  const [next, ...olderNext] = successorsOf(ctx, sessionId, secret);
  const oldHash = hashSecret(secret);
  const user = await rotateRefreshToken(ctx.sql, {
    id: sessionId,
    oldHash,
    newHash: hashSecret(next),
    ttlSeconds: ctx.config.refreshTokenTtlSeconds,
    source,
  });
  if (user) return await sessionTokens(ctx, user, sessionId, next);
  for (const successor of [next, ...olderNext]) {
    const holder = await findRotated(ctx.sql, {
      id: sessionId,
      refreshTokenHash: hashSecret(successor),
      graceSeconds: refreshGraceSeconds,
    });
    if (holder) return await sessionTokens(ctx, holder, sessionId, successor);
  }
  await endSession(ctx, {
    id: sessionId,
    refreshTokenHashes: [oldHash],
    action: "refresh",
    source,
  });
  throw refusedRefresh();
}

/**
 * The secrets that may follow a refresh token's, the present key's first. A successor is derived, so that it can be
 * returned once more without being stored: nobody can compute it without the server's key and the token before it.
 */
function successorsOf(ctx: Ctx, sessionId: string, secret: string): [string, ...string[]] {
  const derive = (key: string) =>
    new Bun.CryptoHasher("sha256", key)
      .update(`refresh token after ${sessionId}.${secret}`)
      .digest("base64url");
  const { previousSecretKey } = ctx.config;
  return [derive(ctx.config.secretKey), ...(previousSecretKey ? [derive(previousSecretKey)] : [])];
}

/**
 * Ends the session of a refresh token and closes its sockets. The token before the present one is accepted, too: the reply
 * that had the present one may have been lost.
 * @throws Problem `invalid_token` for an older token, which ends the session all the same
 */
export async function logout(ctx: Ctx, refreshToken: string, source: Source): Promise<void> {
  const { sessionId, secret } = readRefreshToken(refreshToken);
  const refreshTokenHashes = [secret, ...successorsOf(ctx, sessionId, secret)].map(hashSecret);
  const session = { id: sessionId, refreshTokenHashes, action: "sign_out", source } as const;
  if (!(await endSession(ctx, session))) throw refusedRefresh();
}

async function endSession(
  ctx: Ctx,
  session: Parameters<typeof deleteSession>[1],
): Promise<boolean | undefined> {
  const wasGood = await deleteSession(ctx.sql, session);
  if (wasGood !== undefined) endSessions(ctx, [session.id]);
  return wasGood;
}
