// Tickets of sign-ins that wait for their second factor.
import type { Ctx } from "../context.ts";
import { Problem } from "../wire/problems.ts";
import { signInTicketTtlSeconds } from "../wire/two-factor.ts";
import { hashSecret, makeSecret } from "./access-tokens.ts";
import { insertSignInTicket } from "./sign-in-ticket-queries.ts";
import type { UserWithPassword } from "./user-queries.ts";

/**
 * Makes a ticket for a person whose password was right, or for whom a provider has vouched.
 * @returns the problem `mfa_required` that carries it
 */
export async function secondFactorRequired(
  ctx: Pick<Ctx, "sql">,
  user: Pick<UserWithPassword, "id" | "hashed_password">,
): Promise<Problem> {
  const ticket = makeSecret();
  await insertSignInTicket(ctx.sql, {
    hash: hashSecret(ticket),
    userId: user.id,
    passwordDigest: hashSecret(user.hashed_password),
    ttlSeconds: signInTicketTtlSeconds,
  });
  return new Problem("mfa_required", "Enter the code that your authenticator app shows.", {
    ticket,
  });
}
