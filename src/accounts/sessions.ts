// A person's own sessions: listing and ending them, and changing the password.
import type { Ctx } from "../context.ts";
import { findPasswordHash } from "./user-queries.ts";
import { Problem } from "../wire/problems.ts";
import type { ChangePasswordInput, Session } from "../wire/users.ts";
import { record } from "../audit/audit.ts";
import { noPassword, type Passwords } from "./passwords.ts";
import {
  deleteOtherSessions,
  deleteOwnSession,
  findSessions,
  updatePassword,
} from "./session-queries.ts";
import type { Caller } from "./access-tokens.ts";
import { endSessions } from "./recent-sessions.ts";
import { hasRecentSignIn } from "./recent-sign-in.ts";

/** The caller's sessions, the most recently used first. */
export async function listSessions(ctx: Ctx, caller: Caller): Promise<Session[]> {
  return await findSessions(ctx.sql, caller);
}

/** Ends a session of the caller's, which may be the present one, and closes its sockets. @throws Problem `not_found` */
export async function endSession(ctx: Ctx, caller: Caller, sessionId: string): Promise<void> {
  if (!(await deleteOwnSession(ctx.sql, caller, sessionId))) {
    throw new Problem("not_found", "You have no such session. Perhaps it has ended.");
  }
  endSessions(ctx, [sessionId]);
}

/** Ends all sessions of the caller but the present one, and closes their sockets. @returns how many */
export async function endOtherSessions(ctx: Ctx, caller: Caller): Promise<number> {
  const ended = await deleteOtherSessions(ctx.sql, caller);
  endSessions(ctx, ended);
  return ended.length;
}

/**
 * Changes the caller's password, and ends all sessions but the present one: somebody who knew the old one is signed out.
 * A person who has none, since a provider has vouched for them, may choose one soon after a sign-in.
 * @throws Problem `wrong_password`, `no_password`, `unavailable`
 */
export async function changePassword(
  ctx: Ctx,
  passwords: Passwords,
  caller: Caller,
  input: ChangePasswordInput,
): Promise<void> {
  const oldHash = await findPasswordHash(ctx.sql, caller.id);
  if (oldHash === noPassword) await requireSignInForPassword(ctx, caller);
  else if (
    oldHash === undefined ||
    input.current_password === null ||
    !(await passwords.verify(input.current_password, oldHash))
  ) {
    throw await wrongPassword(ctx, caller);
  }
  const newHash = await passwords.hash(input.new_password);
  const ended = await updatePassword(ctx.sql, caller, { oldHash, newHash });
  // Another request has changed it in between.
  if (!ended) throw await wrongPassword(ctx, caller);
  endSessions(ctx, ended);
  // A sign-in with the old password that was stored while that statement waited for it is not in its snapshot.
  await endOtherSessions(ctx, caller);
}

/** A sign-in shows as well as a password who somebody is (OWASP ASVS 5.0, 7.5.1). @throws Problem `no_password` */
async function requireSignInForPassword(ctx: Ctx, caller: Caller): Promise<void> {
  if (await hasRecentSignIn(ctx, caller)) return;
  throw new Problem(
    "no_password",
    "Your account has no password. Sign out, sign in again, and choose one within 10 minutes.",
  );
}

async function wrongPassword(ctx: Ctx, caller: Caller): Promise<Problem> {
  await record(ctx, {
    action: "change_password",
    outcome: "wrong_password",
    actor: caller,
    target: `user:${caller.id}`,
    source: caller.source,
  });
  return new Problem("wrong_password", "The current password is wrong.");
}
