// A second factor for signing in: codes of an authenticator app, and recovery codes for a person who has lost it.
import { hashSecret, type Caller } from "../accounts/access-tokens.ts";
import { checkSessionAgain } from "../accounts/authentication.ts";
import { beginSession } from "../accounts/begin-session.ts";
import { requireRecentSignIn } from "../accounts/recent-sign-in.ts";
import {
  findTicketHolder,
  noteWrongCode,
  takeSignInTicket,
  type TicketHolder,
} from "../accounts/sign-in-ticket-queries.ts";
import { record } from "../audit/audit.ts";
import type { AuditAction, Source } from "../audit/queries.ts";
import type { Ctx } from "../context.ts";
import { Problem } from "../wire/problems.ts";
import type { RecoveryCodes, TotpLoginInput, TotpSetup } from "../wire/two-factor.ts";
import type { Tokens } from "../wire/users.ts";
import {
  isAppCode,
  makeRecoveryCodes,
  makeTotpSecret,
  plainCode,
  setupOf,
  stepOf,
} from "./codes.ts";
import {
  confirmSecret,
  deleteSecret,
  findSecret,
  insertSecret,
  takeRecoveryCode,
  takeStep,
} from "./queries.ts";

/**
 * Makes a secret for the caller's app. It is in force when it is confirmed.
 * @throws Problem `sign_in_again`, `totp_enabled`, `invalid_token` when the account is gone
 */
export async function setUpTotp(ctx: Ctx, caller: Caller): Promise<TotpSetup> {
  await requireRecentSignIn(ctx, caller);
  const secret = makeTotpSecret();
  if (!(await insertSecret(ctx.sql, caller.id, secret))) {
    await checkSessionAgain(ctx, caller);
    throw alreadyOn();
  }
  return setupOf(secret, caller.username);
}

/** Turns the second factor on: from now on signing in asks for a code. @throws Problem `totp_enabled`, `totp_not_set_up`, `invalid_code` */
export async function confirmTotp(ctx: Ctx, caller: Caller, typed: string): Promise<RecoveryCodes> {
  const found = await findSecret(ctx.sql, caller.id);
  if (!found) throw notSetUp();
  if (found.isConfirmed) throw alreadyOn();
  const step = stepOf(found.secret, plainCode(typed), ctx.now());
  if (step === undefined) throw await wrongCode(ctx, caller, "enable_totp", caller.source);
  const codes = makeRecoveryCodes();
  const codeHashes = codes.map((code) => hashSecret(plainCode(code)));
  if (!(await confirmSecret(ctx.sql, caller, { secret: found.secret, step, codeHashes }))) {
    throw alreadyOn();
  }
  return { recovery_codes: codes };
}

/** Turns the second factor off. @throws Problem `totp_not_set_up`, `invalid_code` */
export async function removeTotp(ctx: Ctx, caller: Caller, typed: string): Promise<void> {
  if (!(await findSecret(ctx.sql, caller.id))?.isConfirmed) throw notSetUp();
  if (!(await takeCode(ctx, caller.id, typed))) {
    throw await wrongCode(ctx, caller, "disable_totp", caller.source);
  }
  if (!(await deleteSecret(ctx.sql, caller))) throw notSetUp();
}

/** The person of a ticket. @throws Problem `invalid_token` for one that was used, has expired, or was tried with too many codes */
export async function getTicketHolder(ctx: Ctx, ticket: string): Promise<TicketHolder> {
  const holder = await findTicketHolder(ctx.sql, hashSecret(ticket));
  if (!holder) throw ticketRefused();
  return holder;
}

/** Begins the session of a person whose password was verified before. @throws Problem `invalid_code`, `invalid_token` */
export async function loginWithCode(
  ctx: Ctx,
  user: TicketHolder,
  { ticket, code }: TotpLoginInput,
  source: Source,
): Promise<Tokens> {
  const ticketHash = hashSecret(ticket);
  if (!(await takeCode(ctx, user.id, code))) {
    await noteWrongCode(ctx.sql, ticketHash);
    throw await wrongCode(ctx, user, "sign_in", source);
  }
  if (!(await takeSignInTicket(ctx.sql, ticketHash))) throw ticketRefused();
  const tokens = await beginSession(ctx, user, source);
  // The password was changed meanwhile.
  if (!tokens) throw ticketRefused();
  return tokens;
}

/** Uses a code of the app or a recovery code, which then works no more. @returns whether it was right */
async function takeCode({ sql, now }: Ctx, userId: number, typed: string): Promise<boolean> {
  const code = plainCode(typed);
  if (!isAppCode(code)) return await takeRecoveryCode(sql, userId, hashSecret(code));
  const found = await findSecret(sql, userId);
  const step = found?.isConfirmed ? stepOf(found.secret, code, now()) : undefined;
  return step !== undefined && (await takeStep(sql, userId, step));
}

async function wrongCode(
  ctx: Ctx,
  user: { id: number; username: string },
  action: AuditAction,
  source: Source,
): Promise<Problem> {
  await record(ctx, {
    action,
    outcome: "invalid_code",
    // A person who signs in is not authenticated until the code is right.
    actor: action === "sign_in" ? undefined : user,
    target: `user:${user.id}`,
    details: action === "sign_in" ? { username: user.username } : {},
    source,
  });
  return new Problem(
    "invalid_code",
    "The code is wrong, or was used before. Wait for the next one.",
  );
}

function alreadyOn(): Problem {
  return new Problem(
    "totp_enabled",
    "Your authenticator app is set up already. Turn it off first.",
  );
}

function notSetUp(): Problem {
  return new Problem("totp_not_set_up", "No authenticator app is set up for your account.");
}

function ticketRefused(): Problem {
  return new Problem(
    "invalid_token",
    "This sign-in took too long or too many codes. Sign in again.",
  );
}
