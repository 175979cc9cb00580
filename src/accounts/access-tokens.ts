// Access tokens: JWTs (RFC 7519) signed with one configured algorithm; anything else is refused. The header members that
// name keys (`jku`, `jwk`, `kid`, `x5u`) are ignored. Queries check whether the session has ended and what it may do.
import { SignJWT } from "jose";
import { z } from "zod";
import type { Ctx, Identity } from "../context.ts";
import { Problem } from "../wire/problems.ts";
import type { Source } from "../audit/queries.ts";
import { readSigned } from "./signatures.ts";

const issuer = "gemini-coop";
const audience = "gemini-coop";
/** RFC 9068 §2.1: tells an access token from any other JWT that is signed with the same key. */
const type = "at+jwt";

const Claims = z.object({
  sub: z.string().regex(/^\d{1,16}$/),
  name: z.string(),
  sid: z.uuid(),
  jti: z.string(),
  iat: z.int(),
  exp: z.int(),
  iss: z.literal(issuer),
  aud: z.literal(audience),
});

/** A token that was valid and has expired: a client renews it, where it would give up an invalid one. */
export class ExpiredToken extends Problem {
  constructor(detail: string) {
    super("invalid_token", detail);
  }
}

export type { Grant, Identity } from "../context.ts";

/** The person who makes a request, and where it comes from. */
export interface Caller extends Identity {
  readonly source: Source;
}

type TokenCtx = Pick<Ctx, "config" | "now">;
type ReadingCtx = TokenCtx & Pick<Ctx, "sessionCache">;

export async function signAccessToken(
  { config, now }: TokenCtx,
  user: { id: number; username: string },
  sessionId: string,
): Promise<string> {
  const iat = Math.floor(now().getTime() / 1000);
  const claims: z.infer<typeof Claims> = {
    sub: String(user.id),
    name: user.username,
    sid: sessionId,
    jti: crypto.randomUUID(),
    iat,
    exp: iat + config.accessTokenTtlSeconds,
    iss: issuer,
    aud: audience,
  };
  const header = { alg: config.algorithm, typ: type };
  return await new SignJWT(claims).setProtectedHeader(header).sign(bytesOf(config.secretKey));
}

/**
 * @param isRemembered false for a token that is not used again, as that of a socket
 * @throws Problem `invalid_token` for a token that this server has not signed, {@link ExpiredToken} for one that has expired
 */
export async function readAccessToken(
  ctx: ReadingCtx,
  token: string,
  { isRemembered = true }: { isRemembered?: boolean } = {},
): Promise<Identity> {
  const known = ctx.sessionCache.findIdentity(token);
  const identity = known ?? verified(ctx, token);
  if (identity.expiresAtMs <= ctx.now().getTime()) {
    throw new ExpiredToken("The access token has expired. Sign in again or refresh it.");
  }
  if (!known && isRemembered) ctx.sessionCache.rememberIdentity(token, identity);
  return identity;
}

function verified({ config }: TokenCtx, token: string): Identity {
  const { algorithm, secretKey, previousSecretKey } = config;
  const keys = [secretKey, ...(previousSecretKey === undefined ? [] : [previousSecretKey])];
  const claims = Claims.safeParse(readSigned(token, { alg: algorithm, typ: type }, keys));
  if (!claims.success) throw notValid();
  const { sub, name, sid, exp } = claims.data;
  return { id: Number(sub), username: name, sessionId: sid, expiresAtMs: exp * 1000 };
}

function notValid(): Problem {
  return new Problem("invalid_token", "The access token is not valid. Sign in again.");
}

const bytesOf = (key: string) => new TextEncoder().encode(key);

/** A random secret of 256 bits, for refresh tokens and tickets. */
export function makeSecret(): string {
  return Buffer.from(crypto.getRandomValues(new Uint8Array(32))).toString("base64url");
}

/** The hash of such a secret that is stored. Random input needs no slow hash. */
export function hashSecret(secret: string): Buffer {
  return new Bun.CryptoHasher("sha256").update(secret).digest();
}
