// A visit to a provider: the browser is sent there, and comes back with an account that the provider vouches for.
import type { Caller } from "../accounts/access-tokens.ts";
import { hashSecret, makeSecret } from "../accounts/access-tokens.ts";
import { requireRecentSignIn } from "../accounts/recent-sign-in.ts";
import { record } from "../audit/audit.ts";
import type { Source } from "../audit/queries.ts";
import type { Ctx } from "../context.ts";
import { databaseError } from "../database/connect.ts";
import {
  signInCodeTtlSeconds,
  visitTtlSeconds,
  type ReturnError,
  type VisitQuery,
} from "../wire/identities.ts";
import { inPages } from "../schedule.ts";
import { Problem } from "../wire/problems.ts";
import { insertPerson, linkIdentity, useIdentity, type Holder } from "./identity-queries.ts";
import { ProviderError, type ForeignAccount, type Provider } from "./provider.ts";
import type { Providers } from "./providers.ts";
import { returnAddressOf, withOutcome } from "./return-address.ts";
import { candidateUsernames } from "./usernames.ts";
import { deleteExpiredVisits, insertSignInCode, insertVisit, takeVisit } from "./visit-queries.ts";
import { makeVisitSecret, secretsOf } from "./visit-secrets.ts";

const cleanUpPageSize = 10_000;

/** The address to which the browser goes now. */
export interface Begun {
  url: string;
  /** For the browser's cookie; undefined where there is no visit, and the browser returns at once. */
  secret: string | undefined;
}

/** The address of this server to which a provider sends the browser back. */
const callbackOf = ({ publicUrl }: Ctx["config"], { id }: Provider) =>
  `${publicUrl}/api/auth/oauth/${id}/callback`;

/**
 * Begins a visit that signs somebody in, or that links an account to `caller`. Where the provider is away the browser returns at once.
 * @throws Problem `not_found` for a provider that is not set up, `invalid` for a return address that is not allowed, `unavailable`,
 * `sign_in_again` where an account would be linked
 */
export async function beginVisit(
  ctx: Ctx,
  providers: Providers,
  visit: VisitQuery & { provider: string; caller?: Caller },
): Promise<Begun> {
  const provider = providers.get(visit.provider);
  const returnTo = returnAddressOf(ctx.config, visit.return_to);
  if (visit.caller) await requireRecentSignIn(ctx, visit.caller);
  const secret = makeVisitSecret();
  const secretHash = hashSecret(secret);
  const { code_challenge: challenge } = visit;
  try {
    const url = await providers.run(() =>
      provider.authorizationUrl(callbackOf(ctx.config, provider), secretsOf(secret)),
    );
    const isStored = await insertVisit(ctx.sql, {
      secretHash,
      provider: provider.id,
      returnTo,
      proofHash: challenge === undefined ? secretHash : Buffer.from(challenge, "base64url"),
      sessionId: visit.caller?.sessionId,
      ttlSeconds: visitTtlSeconds,
    });
    if (!isStored) throw tooManyVisits();
    return { url, secret };
  } catch (error) {
    const code = errorOf(ctx, provider, error);
    return {
      url: withOutcome(returnTo, { error: code, provider: provider.id }),
      secret: undefined,
    };
  }
}

function tooManyVisits(): Problem {
  return new Problem("unavailable", "Too many people are signing in. Try again in a moment.", {
    retryAfterSeconds: 60,
  });
}

/**
 * Ends the visit of a browser that comes back from a provider.
 * @param secret that of the browser's cookie
 * @returns the address to which the browser goes, with a code, with `linked`, or with an error in its fragment
 * @throws Problem `not_found`, `unavailable`
 */
export async function endVisit(
  ctx: Ctx,
  providers: Providers,
  {
    provider: id,
    query,
    secret,
    source,
  }: {
    provider: string;
    /** The query of the address, as it came. */
    query: URLSearchParams;
    secret: string | undefined;
    source: Source;
  },
): Promise<string> {
  const provider = providers.get(id);
  const fallback = returnAddressOf(ctx.config, undefined);
  const expired = withOutcome(fallback, { error: "visit_expired", provider: provider.id });
  // Only the browser that has begun the visit has the cookie from which its `state` is made (RFC 9700 §4.7).
  const secrets = secret === undefined ? undefined : secretsOf(secret);
  if (secret === undefined || query.get("state") !== secrets?.state) return expired;
  const visit = await takeVisit(ctx.sql, hashSecret(secret), provider.id);
  if (!visit) return expired;
  const { return_to: returnTo, session_id: sessionId, proof_hash: proofHash } = visit;
  try {
    const callback = new URL(`${callbackOf(ctx.config, provider)}?${query.toString()}`);
    const account = await providers.run(() => provider.findAccount(callback, secrets));
    if (sessionId !== null) {
      await link(ctx, sessionId, { provider: provider.id, account, source });
      return withOutcome(returnTo, { linked: provider.id });
    }
    const user = await findOrRegister(ctx, { provider: provider.id, account, source });
    const code = await makeCode(ctx, user, { provider: provider.id, proofHash });
    return withOutcome(returnTo, { code });
  } catch (error) {
    const outcome = errorOf(ctx, provider, error);
    return withOutcome(returnTo, { error: outcome, provider: provider.id });
  }
}

/** A visit that ends without a code, for a reason that the person is told. */
class Refusal extends Error {
  readonly code: ReturnError;

  constructor(code: ReturnError) {
    super(code);
    this.name = "Refusal";
    this.code = code;
  }
}

/** @throws whatever is neither a refusal nor about the provider */
function errorOf(ctx: Ctx, { id }: Provider, error: unknown): ReturnError {
  if (error instanceof Refusal) return error.code;
  if (!(error instanceof ProviderError)) throw error;
  if (error.code !== "access_denied") {
    const { code, reasons } = error;
    ctx.log.warn({ provider: id, outcome: code, reasons }, "a visit to a provider has failed");
  }
  return error.code;
}

interface Vouched {
  provider: string;
  account: ForeignAccount;
  source: Source;
}

async function findOrRegister(ctx: Ctx, vouched: Vouched): Promise<Holder> {
  const { account } = vouched;
  const { email } = account;
  const known = await useIdentity(ctx.sql, account);
  if (known) return known;
  if (email === undefined) throw new Refusal("email_not_verified");
  for (const username of candidateUsernames(account.names)) {
    try {
      return await insertPerson(ctx.sql, { ...vouched, username, email });
    } catch (error) {
      const constraint = databaseError(error)?.constraint;
      if (constraint === "users_username_key") continue;
      if (constraint !== "users_email_key" && constraint !== "identities_subject_key") throw error;
      // The same person may have come back in another tab at the same moment.
      const registered = await useIdentity(ctx.sql, account);
      if (registered) return registered;
      throw await emailTaken(ctx, vouched);
    }
  }
  // So many names are taken that the next try has to find one.
  throw tooManyVisits();
}

/**
 * An account whose address is known is not linked by itself: the provider may be wrong about the address, or the account here may have been
 * made by somebody else who never verified it.
 */
async function emailTaken(ctx: Ctx, { provider, source }: Vouched): Promise<Refusal> {
  const details = { provider };
  await record(ctx, {
    action: "sign_in",
    outcome: "email_taken",
    actor: undefined,
    target: undefined,
    details,
    source,
  });
  return new Refusal("email_taken");
}

async function makeCode(
  ctx: Ctx,
  user: Holder,
  { provider, proofHash }: { provider: string; proofHash: string },
): Promise<string> {
  const code = makeSecret();
  const isStored = await insertSignInCode(ctx.sql, {
    hash: hashSecret(code),
    user,
    provider,
    proofHash,
    ttlSeconds: signInCodeTtlSeconds,
  });
  // The password was changed, or the account deleted, a moment ago.
  if (!isStored) throw new Refusal("visit_expired");
  return code;
}

/** How often a link is tried that meets another one of the same account. */
const linkTries = 2;

async function link(ctx: Ctx, sessionId: string, vouched: Vouched): Promise<void> {
  for (let n = 0; n < linkTries; n += 1) {
    const isMailed = ctx.config.mail.by !== "none";
    const linked = await linkIdentity(ctx.sql, sessionId, { ...vouched, isMailed });
    const { person_id: id, username, owner_id: ownerId } = linked;
    if (id === null || username === null) throw new Refusal("visit_expired");
    if (linked.is_linked) ctx.jobs.wake();
    if (linked.is_linked || ownerId === id) return;
    if (ownerId === null) continue;
    const outcome = "identity_taken";
    const { provider, source } = vouched;
    await record(ctx, {
      action: "link_identity",
      outcome,
      actor: { id, username },
      target: `user:${id}`,
      details: { provider },
      source,
    });
    throw new Refusal(outcome);
  }
  throw new Refusal("too_many_identities");
}

/** Removes visits and codes that have expired. Called about every 10 minutes. */
export async function cleanUpVisits(ctx: Pick<Ctx, "sql" | "log">): Promise<void> {
  const removed = await inPages(cleanUpPageSize, (limit) => deleteExpiredVisits(ctx.sql, limit));
  if (removed > 0) ctx.log.debug({ removed }, "removed visits to providers that have expired");
}
