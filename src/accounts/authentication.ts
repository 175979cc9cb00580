// Authentication of requests and sockets: reads access tokens, access keys and tickets, and looks up their sessions.
import type { Source } from "../audit/queries.ts";
import type { Ctx, SessionChats } from "../context.ts";
import { inPages } from "../schedule.ts";
import { Problem } from "../wire/problems.ts";
import type { Ticket } from "../wire/users.ts";
import {
  ExpiredToken,
  hashSecret,
  makeSecret,
  readAccessToken,
  type Caller,
  type Identity,
} from "./access-tokens.ts";
import { isAccessKey, keyRefused, noteUse, readAccessKey } from "./access-keys.ts";
import { deleteExpired, isSessionLive } from "./queries.ts";
import { insertTicket, takeTicket } from "./socket-queries.ts";

const ticketTtlSeconds = 30;
const expiredPageSize = 1_000;

/**
 * The account of an access token or an access key whose session has not ended and belongs to that account; the database is asked at
 * most once a second and session.
 * @param source where the request comes from
 * @throws Problem `invalid_token`
 */
export async function authenticate(
  ctx: Ctx,
  token: string,
  { address }: Pick<Source, "address">,
): Promise<Identity> {
  if (!isAccessKey(token)) {
    const identity = await readAccessToken(ctx, token);
    await checkSession(ctx, identity);
    return identity;
  }
  const isKnown = ctx.sessionCache.findIdentity(token) !== undefined;
  const identity = await readAccessKey(ctx, token);
  if (isKnown && ctx.sessionCache.isLive(identity.sessionId, ctx.now().getTime())) return identity;
  await checkSession(ctx, identity);
  await noteUse(ctx, identity, address);
  return identity;
}

/** @throws Problem `invalid_token` for a session that has ended, or belongs to somebody else */
export async function checkSession(ctx: Ctx, identity: Identity): Promise<void> {
  const nowMs = ctx.now().getTime();
  if (ctx.sessionCache.isLive(identity.sessionId, nowMs)) return;
  if (!(await isSessionLive(ctx.sql, identity))) {
    throw identity.grant ? keyRefused() : sessionEnded();
  }
  ctx.sessionCache.rememberLive(identity.sessionId, nowMs);
}

/**
 * Looks a session up again, for a request that has found nothing of its caller: another server may have deleted the account a moment ago.
 * @throws Problem `invalid_token`
 */
export async function checkSessionAgain(ctx: Ctx, identity: Identity): Promise<void> {
  ctx.sessionCache.forgetLive(identity.sessionId);
  await checkSession(ctx, identity);
}

/** The refusal of a request whose session ended before it was done. */
export function sessionEnded(): Problem {
  return new Problem("invalid_token", "This session has ended. Sign in again.");
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

/**
 * The account of a socket's token: an access token, a ticket or an access key.
 * @param source where the socket comes from
 * @throws Problem `invalid_token`, an {@link ExpiredToken} for a token that was valid
 */
export async function identify(
  ctx: Ctx,
  token: string,
  { address }: Pick<Source, "address">,
): Promise<Identity> {
  if (isAccessKey(token)) {
    const identity = await readAccessKey(ctx, token);
    await noteUse(ctx, identity, address);
    return identity;
  }
  if (!token.includes(".")) return await redeemTicket(ctx, token);
  return await readAccessToken(ctx, token, { isRemembered: false });
}

/** The chats of a caller whose session has not ended: a socket is refused otherwise. @throws Problem `invalid_token` */
export async function listSessionChats(ctx: Ctx, caller: Identity): Promise<SessionChats> {
  const found = await ctx.grouped.readSessionChats({
    userId: caller.id,
    sessionId: caller.sessionId,
  });
  if (!found) throw sessionEnded();
  return found;
}

async function redeemTicket(ctx: Ctx, ticket: string): Promise<Identity> {
  const holder = await takeTicket(ctx.sql, hashSecret(ticket));
  if (!holder) {
    throw new Problem(
      "invalid_token",
      "The token is neither an access token nor an unused ticket. Sign in, or get a new ticket.",
    );
  }
  if (!holder.is_live) throw new ExpiredToken("The ticket has expired. Get a new one.");
  return {
    id: holder.id,
    username: holder.username,
    sessionId: holder.session_id,
    expiresAtMs: ctx.now().getTime() + ctx.config.accessTokenTtlSeconds * 1000,
  };
}

/** Removes expired sessions and tickets. Called about every 10 minutes. */
export async function cleanUpSessions(ctx: Ctx): Promise<void> {
  const removed = await inPages(expiredPageSize, (limit) => deleteExpired(ctx.sql, limit));
  if (removed > 0) ctx.log.debug({ removed }, "removed expired sessions and tickets");
}
