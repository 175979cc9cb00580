// Verifying an email address, changing it, and resetting a password.
import { hashSecret, type Caller } from "../accounts/access-tokens.ts";
import type { Passwords } from "../accounts/passwords.ts";
import { endSessions } from "../accounts/recent-sessions.ts";
import { deleteAllSessions } from "../accounts/session-queries.ts";
import { record } from "../audit/audit.ts";
import type { Source } from "../audit/queries.ts";
import type { Ctx } from "../context.ts";
import { databaseError } from "../database/connect.ts";
import type { MailQueue } from "../mail/mail.ts";
import { inPages } from "../schedule.ts";
import type { ChangeEmailInput, ResetPasswordInput } from "../wire/mail.ts";
import { Problem } from "../wire/problems.ts";
import { deleteOldLinks, takeVerifyLink } from "./queries.ts";
import { endLateWaysIn, isResetLink, takeResetLink } from "./reset-queries.ts";

const cleanUpPageSize = 1_000;

/** @throws Problem `mail_not_configured` */
function requireMail(mail: MailQueue): void {
  if (mail.isOn) return;
  throw new Problem(
    "mail_not_configured",
    "This server sends no mail. Ask its operator to set SMTP_URL.",
  );
}

/**
 * Sends a link to an address that the caller wants to have, or has. The address is the caller's as soon as the link is used. The reply
 * does not tell whether somebody else has the address.
 * @throws Problem `mail_not_configured`
 */
export async function requestEmail(
  ctx: Ctx,
  mail: MailQueue,
  caller: Caller,
  { email }: ChangeEmailInput,
): Promise<void> {
  requireMail(mail);
  await record(ctx, {
    action: "request_email",
    outcome: "ok",
    actor: caller,
    target: `user:${caller.id}`,
    source: caller.source,
  });
  await mail.add({ kind: "verify_email", user_id: caller.id, email });
}

/**
 * Uses the link of a mail. If the account had another address before, that one receives a mail.
 * @throws Problem `mail_not_configured`, `invalid_link`, `email_taken` if somebody else has got the address meanwhile
 */
export async function verifyEmail(
  ctx: Ctx,
  mail: MailQueue,
  token: string,
  source: Source,
): Promise<void> {
  requireMail(mail);
  const verified = await takeVerifyLink(ctx.sql, hashSecret(token), source).catch(
    (error: unknown) => {
      if (databaseError(error)?.constraint !== "users_email_key") throw error;
      throw new Problem("email_taken", "Somebody else has this email address by now.");
    },
  );
  if (!verified) throw invalidLink();
  ctx.jobs.wake();
}

/**
 * Sends a link that resets the password to an address, if an account has it. Whether it does is found out after the reply.
 * @throws Problem `mail_not_configured`
 */
export async function requestReset(mail: MailQueue, email: string): Promise<void> {
  requireMail(mail);
  await mail.add({ kind: "reset_password", email });
}

/**
 * Uses the link of a mail: the person has a new password, all sessions of the person have ended, and the address receives a mail about it. If it is the first
 * proof of the address, linked accounts, access keys and webhooks have ended, too: the account may have been registered by somebody else.
 * @throws Problem `mail_not_configured`, `invalid_link`, `unavailable`
 */
export async function resetPassword(
  ctx: Ctx,
  { passwords, mail }: { passwords: Passwords; mail: MailQueue },
  { token, password }: ResetPasswordInput,
  source: Source,
): Promise<void> {
  requireMail(mail);
  const hash = hashSecret(token);
  // A password is hashed for links only that work.
  if (!(await isResetLink(ctx.sql, hash))) throw invalidLink();
  const hashedPassword = await passwords.hash(password);
  const reset = await takeResetLink(ctx.sql, { hash, hashedPassword, source });
  if (!reset) throw invalidLink();
  endSessions(ctx, reset.session_ids);
  // A sign-in with the old password that was stored while that statement waited for it is not in its snapshot.
  endSessions(ctx, await deleteAllSessions(ctx.sql, reset.id));
  if (!reset.was_verified) endSessions(ctx, await endLateWaysIn(ctx.sql, reset.id));
  ctx.jobs.wake();
}

function invalidLink(): Problem {
  return new Problem(
    "invalid_link",
    "This link does not work: it was used, or is older than 30 minutes. Ask for a new one.",
  );
}

/** Removes links that are too old to be used or counted. Called about every 10 minutes. */
export async function cleanUpLinks(ctx: Pick<Ctx, "sql" | "log">): Promise<void> {
  const removed = await inPages(cleanUpPageSize, (limit) => deleteOldLinks(ctx.sql, limit));
  if (removed > 0) ctx.log.debug({ removed }, "removed old links of mails");
}
