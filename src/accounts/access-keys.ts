// Authentication with access keys. A key is random, so its hash needs no salt and no slow function.
import type { Ctx, Identity } from "../context.ts";
import { keyPrefix } from "../wire/access-keys.ts";
import { Problem } from "../wire/problems.ts";
import { hashSecret, makeSecret } from "./access-tokens.ts";
import { findKey, noteKeyUse, type HeldKey } from "./key-queries.ts";

const keyPattern = new RegExp(`^${keyPrefix}[\\w-]{43}$`);

/** Whether a token is meant to be an access key: access tokens have dots, and tickets are shorter. */
export function isAccessKey(token: string): boolean {
  return keyPattern.test(token);
}

export function makeAccessKey(): string {
  return keyPrefix + makeSecret();
}

/**
 * The account of a key. A key that was seen before is not looked up again: whether its session still exists is a question of its own.
 * @throws Problem `invalid_token` for an unknown key, and for one that was revoked or has expired
 */
export async function readAccessKey(ctx: Ctx, key: string): Promise<Identity> {
  const known = ctx.sessionCache.findIdentity(key);
  const identity = known ?? (await lookUp(ctx, key));
  if (identity.expiresAtMs <= ctx.now().getTime()) throw keyRefused();
  return identity;
}

async function lookUp(ctx: Ctx, key: string): Promise<Identity> {
  const askedAtMs = ctx.now().getTime();
  const held = await findKey(ctx.sql, hashSecret(key));
  if (!held) throw keyRefused();
  const identity = identityOf(held);
  ctx.sessionCache.rememberIdentity(key, identity);
  ctx.sessionCache.rememberLive(held.session_id, askedAtMs);
  return identity;
}

function identityOf(held: HeldKey): Identity {
  return {
    id: held.user_id,
    username: held.username,
    sessionId: held.session_id,
    expiresAtMs: held.expires_at_ms ?? Infinity,
    grant: {
      keyId: held.id,
      scopes: new Set(held.scopes),
      chatIds: held.chat_ids === null ? undefined : new Set(held.chat_ids),
      isBot: held.is_bot,
    },
  };
}

/** Problem `invalid_token` for a key that is good for nothing. */
export function keyRefused(): Problem {
  return new Problem(
    "invalid_token",
    "This access key does not exist, was revoked or has expired. Create a new one.",
  );
}

/** Notes where a key was used, as its owner is shown it. A failure refuses nothing. */
export async function noteUse(
  ctx: Ctx,
  { grant }: Pick<Identity, "grant">,
  address: string,
): Promise<void> {
  if (!grant) return;
  try {
    await noteKeyUse(ctx.sql, grant.keyId, address);
  } catch (error) {
    ctx.log.warn({ err: error, keyId: grant.keyId }, "the use of an access key was not noted");
  }
}
