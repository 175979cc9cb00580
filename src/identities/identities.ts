// Exchanging the code that a browser has come back with, and a person's own identities.
import { hashSecret, type Caller } from "../accounts/access-tokens.ts";
import { beginSession } from "../accounts/begin-session.ts";
import { secondFactorRequired } from "../accounts/sign-in-tickets.ts";
import type { Source } from "../audit/queries.ts";
import type { Ctx } from "../context.ts";
import type { SignInCodeInput } from "../wire/identities.ts";
import { Problem } from "../wire/problems.ts";
import type { Tokens } from "../wire/users.ts";
import { deleteIdentity } from "./identity-queries.ts";
import { takeSignInCode } from "./visit-queries.ts";

/**
 * Begins the session of a person for whom a provider has vouched.
 * @param secret that of the browser's cookie; undefined without one
 * @throws Problem `invalid_token` for a code that was used, is older than 60 s, or belongs to another browser, `mfa_required`
 */
export async function exchangeCode(
  ctx: Ctx,
  { code, code_verifier: verifier }: SignInCodeInput,
  secret: string | undefined,
  source: Source,
): Promise<Tokens> {
  const shown = [secret, verifier].filter((proof) => proof !== undefined);
  const user = await takeSignInCode(ctx.sql, hashSecret(code), shown.map(hashSecret));
  if (!user) throw codeRefused();
  if (user.totp_enabled) throw await secondFactorRequired(ctx, user);
  const tokens = await beginSession(ctx, user, source, { provider: user.provider });
  // The password was changed, or the account deleted, meanwhile.
  if (!tokens) throw codeRefused();
  return tokens;
}

function codeRefused(): Problem {
  return new Problem(
    "invalid_token",
    "This sign-in was finished before, took too long, or was begun in another browser. Sign in again.",
  );
}

/** Unlinks an account. Sessions that have begun go on. @throws Problem `not_found`, `last_way_in` */
export async function unlinkIdentity(ctx: Ctx, caller: Caller, identityId: number): Promise<void> {
  const { is_found: isFound, is_unlinked: isUnlinked } = await deleteIdentity(
    ctx.sql,
    caller,
    identityId,
  );
  if (!isFound) throw new Problem("not_found", "No such account is linked to yours.");
  if (isUnlinked) return;
  throw new Problem(
    "last_way_in",
    "You have no other way to sign in. Choose a password or link another account first.",
  );
}
