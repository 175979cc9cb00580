// Access tokens: JWTs (RFC 7519) signed with one configured algorithm; anything else is refused. A token is read
// without the database; what it may do is decided by each query.
import { sign, verify } from "hono/jwt";
import { z } from "zod";
import type { Ctx } from "../context.ts";
import { Problem } from "../wire/problems.ts";

const issuer = "gemini-coop";
const audience = "gemini-coop";

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

/** Who makes a request. */
export interface Caller {
  readonly id: number;
  readonly username: string;
  readonly sessionId: string;
  /** Milliseconds since the epoch. */
  readonly expiresAtMs: number;
}

type TokenCtx = Pick<Ctx, "config" | "secretKey" | "now">;

export async function signAccessToken(
  { config, secretKey, now }: TokenCtx,
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
  return await sign(claims, secretKey, config.algorithm);
}

/** @throws Problem `invalid_token` for everything but a token of ours that has not expired */
export async function readAccessToken(
  { config, secretKey, now }: TokenCtx,
  token: string,
): Promise<Caller> {
  const options = { alg: config.algorithm, exp: false, nbf: false, iat: false };
  const claims = await verify(token, secretKey, options)
    .then((payload) => Claims.parse(payload))
    .catch(() => undefined);
  if (!claims) throw new Problem("invalid_token", "The access token is not valid. Sign in again.");
  if (claims.exp * 1000 <= now().getTime()) {
    throw new Problem(
      "invalid_token",
      "The access token has expired. Sign in again or refresh it.",
    );
  }
  return {
    id: Number(claims.sub),
    username: claims.name,
    sessionId: claims.sid,
    expiresAtMs: claims.exp * 1000,
  };
}

/** A random secret of 256 bits, for refresh tokens and tickets. */
export function makeSecret(): string {
  return Buffer.from(crypto.getRandomValues(new Uint8Array(32))).toString("base64url");
}

/** What is stored of such a secret. Random input needs no slow hash. */
export function hashSecret(secret: string): Buffer {
  return new Bun.CryptoHasher("sha256").update(secret).digest();
}
