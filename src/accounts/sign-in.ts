import type { Ctx } from "../context.ts";
import { databaseError } from "../database/connect.ts";
import {
  findUser,
  findUserWithPassword,
  insertUser,
  replaceHash,
  type UserWithPassword,
} from "./user-queries.ts";
import { botUsername } from "../wire/messages.ts";
import { Problem } from "../wire/problems.ts";
import type { LoginInput, RegisterInput, Ticket, Tokens, User } from "../wire/users.ts";
import type { Source } from "../audit/queries.ts";
import { record } from "../audit/audit.ts";
import { hashPassword, isWeakHash, verifyPassword } from "./passwords.ts";
import {
  deleteExpired,
  deleteSession,
  findSessionChats,
  insertSession,
  insertTicket,
  isSessionLive,
  rotateRefreshToken,
  takeTicket,
} from "./queries.ts";
import {
  hashSecret,
  makeSecret,
  readAccessToken,
  signAccessToken,
  type Caller,
  type Identity,
} from "./access-tokens.ts";

const ticketTtlSeconds = 30;
const expiredPageSize = 1_000;

/** @throws Problem `username_taken`, `email_taken` (without regard to case), `unavailable` */
export async function register(ctx: Ctx, input: RegisterInput, source: Source): Promise<User> {
  if (input.username.toLowerCase() === botUsername.toLowerCase())
    throw usernameTaken(input.username);
  const hashedPassword = await hashPassword(input.password);
  try {
    return await insertUser(ctx.sql, { ...input, hashedPassword, source });
  } catch (error) {
    const constraint = databaseError(error)?.constraint;
    if (constraint === "users_username_key") throw usernameTaken(input.username);
    if (constraint === "users_email_key") {
      throw new Problem("email_taken", "Somebody has registered with this email address already.");
    }
    throw error;
  }
}

function usernameTaken(username: string): Problem {
  return new Problem("username_taken", `The username ${username} is taken. Choose another.`);
}

/** Begins a session. @throws Problem `invalid_credentials`, the same for an unknown user and a wrong password */
export async function login(ctx: Ctx, input: LoginInput, source: Source): Promise<Tokens> {
  const user = await findUserWithPassword(ctx.sql, input.username);
  if (!(await verifyPassword(input.password, user?.hashed_password)) || !user) {
    throw await refusedLogin(ctx, user, source);
  }
  const sessionId = crypto.randomUUID();
  const secret = makeSecret();
  const begun = await insertSession(ctx.sql, {
    id: sessionId,
    user,
    hashedPassword: user.hashed_password,
    refreshTokenHash: hashSecret(secret),
    ttlSeconds: ctx.config.refreshTokenTtlSeconds,
    source,
  });
  // The password was changed while it was verified.
  if (!begun) throw await refusedLogin(ctx, user, source);
  ctx.gateway.disconnectSessions(begun.ended_ids);
  if (isWeakHash(user.hashed_password)) await renewHash(ctx, user, input.password);
  return await tokens(ctx, user, sessionId, secret);
}

/** A name that nobody has is not recorded: it may well be a password, typed into the wrong field. */
async function refusedLogin(
  ctx: Ctx,
  user: UserWithPassword | undefined,
  source: Source,
): Promise<Problem> {
  await record(ctx, {
    action: "sign_in",
    outcome: "invalid_credentials",
    actor: undefined,
    target: user && `user:${user.id}`,
    details: user ? { username: user.username } : {},
    source,
  });
  return new Problem("invalid_credentials", "The username or the password is wrong.");
}

/** Only now is the password known. What goes wrong must not keep anybody from signing in: the next time will do. */
async function renewHash(ctx: Ctx, user: UserWithPassword, password: string): Promise<void> {
  try {
    const newHash = await hashPassword(password);
    await replaceHash(ctx.sql, { id: user.id, oldHash: user.hashed_password, newHash });
  } catch (error) {
    ctx.log.warn({ err: error, userId: user.id }, "a weak password hash could not be replaced");
  }
}

async function tokens(
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
 * Exchanges a refresh token for new tokens. One that was used before ends its whole session (RFC 9700 §4.14.2): either
 * its owner or a thief holds the newer one, and nobody can tell which.
 * @throws Problem `invalid_token`
 */
export async function refresh(ctx: Ctx, refreshToken: string, source: Source): Promise<Tokens> {
  const { sessionId, secret } = readRefreshToken(refreshToken);
  const next = makeSecret();
  const oldHash = hashSecret(secret);
  const user = await rotateRefreshToken(ctx.sql, {
    id: sessionId,
    oldHash,
    newHash: hashSecret(next),
    ttlSeconds: ctx.config.refreshTokenTtlSeconds,
    source,
  });
  if (!user) {
    await endSession(ctx, { id: sessionId, refreshTokenHash: oldHash, action: "refresh", source });
    throw refusedRefresh();
  }
  return await tokens(ctx, user, sessionId, next);
}

/** Ends the session of a refresh token, used or not, and closes its sockets. @throws Problem `invalid_token` for a used one */
export async function logout(ctx: Ctx, refreshToken: string, source: Source): Promise<void> {
  const { sessionId, secret } = readRefreshToken(refreshToken);
  const refreshTokenHash = hashSecret(secret);
  const session = { id: sessionId, refreshTokenHash, action: "sign_out", source } as const;
  if (!(await endSession(ctx, session))) throw refusedRefresh();
}

async function endSession(
  ctx: Ctx,
  session: Parameters<typeof deleteSession>[1],
): Promise<boolean | undefined> {
  const wasGood = await deleteSession(ctx.sql, session);
  if (wasGood !== undefined) ctx.gateway.disconnectSessions([session.id]);
  return wasGood;
}

/** Whose an access token is, if its session goes on. @throws Problem `invalid_token` */
export async function authenticate(ctx: Ctx, accessToken: string): Promise<Identity> {
  const identity = await readAccessToken(ctx, accessToken);
  if (!(await isSessionLive(ctx.sql, identity.sessionId))) throw sessionEnded();
  return identity;
}

function sessionEnded(): Problem {
  return new Problem("invalid_token", "This session has ended. Sign in again.");
}

/** @throws Problem `invalid_token` when the caller's account is gone */
export async function getMe(ctx: Ctx, caller: Caller): Promise<User> {
  const user = await findUser(ctx.sql, caller.id);
  if (!user) throw new Problem("invalid_token", "This account does not exist any more.");
  return user;
}

/** A single-use ticket that opens one socket, so that no access token stands in an address. */
export async function issueTicket(ctx: Ctx, caller: Caller): Promise<Ticket> {
  const ticket = makeSecret();
  const { sessionId } = caller;
  if (
    !(await insertTicket(ctx.sql, {
      hash: hashSecret(ticket),
      sessionId,
      ttlSeconds: ticketTtlSeconds,
    }))
  ) {
    throw sessionEnded();
  }
  return { ticket, expires_in: ticketTtlSeconds };
}

/** Whose a socket's token is, an access token or a ticket. @throws Problem `invalid_token` */
export async function identify(ctx: Ctx, token: string): Promise<Identity> {
  return token.includes(".") ? await readAccessToken(ctx, token) : await redeemTicket(ctx, token);
}

/** The chats of a caller whose session has not ended: a socket is refused otherwise. @throws Problem `invalid_token` */
export async function listSessionChats(ctx: Ctx, caller: Identity): Promise<number[]> {
  const chatIds = await findSessionChats(ctx.sql, caller.sessionId);
  if (!chatIds) throw sessionEnded();
  return chatIds;
}

async function redeemTicket(ctx: Ctx, ticket: string): Promise<Identity> {
  const holder = await takeTicket(ctx.sql, hashSecret(ticket));
  if (!holder)
    throw new Problem(
      "invalid_token",
      "The token is no access token and no ticket that is still good. Sign in, or get a new ticket.",
    );
  return {
    id: holder.id,
    username: holder.username,
    sessionId: holder.session_id,
    expiresAtMs: ctx.now().getTime() + ctx.config.accessTokenTtlSeconds * 1000,
  };
}

/** Removes expired sessions and tickets. Called now and then. */
export async function cleanUpSessions(ctx: Ctx): Promise<void> {
  const removed = await deleteExpired(ctx.sql, expiredPageSize);
  if (removed > 0) ctx.log.debug({ removed }, "removed expired sessions and tickets");
}
