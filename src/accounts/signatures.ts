// Verifies the HMAC of a JWT (RFC 7515 §5.2) synchronously. WebCrypto, by which packages verify it, imports the key and waits for
// a promise each time, which takes ten times as long: a restart brings thousands of tokens at once.
import { timingSafeEqual } from "node:crypto";
import { z } from "zod";
import type { Config } from "../config/config.ts";

const hashes = { HS256: "sha256", HS384: "sha384", HS512: "sha512" } as const;
const base64url = /^[\w-]+$/;

const Header = z.object({
  alg: z.string(),
  typ: z.string(),
  /** Names extensions that a reader has to understand. This one knows none. */
  crit: z.undefined().optional(),
});

/**
 * @param keys one of them has signed the token
 * @returns the payload, which is some JSON; undefined for a token of another algorithm or type, and for one that is not signed
 * with one of the keys
 */
export function readSigned(
  token: string,
  { keys, algorithm, type }: { keys: string[]; algorithm: Config["algorithm"]; type: string },
): unknown {
  const [header = "", payload = "", signature = "", ...more] = token.split(".");
  if (more.length > 0 || ![header, payload, signature].every((part) => base64url.test(part))) {
    return undefined;
  }
  const { data } = Header.safeParse(decoded(header));
  if (data?.alg !== algorithm || data.typ !== type) return undefined;
  const signed = `${header}.${payload}`;
  const isSigned = keys.some((key) => {
    const expected = new Bun.CryptoHasher(hashes[algorithm], key)
      .update(signed)
      .digest("base64url");
    return isSame(expected, signature);
  });
  return isSigned ? decoded(payload) : undefined;
}

function isSame(expected: string, actual: string): boolean {
  const [a, b] = [Buffer.from(expected), Buffer.from(actual)];
  return a.length === b.length && timingSafeEqual(a, b);
}

function decoded(part: string): unknown {
  try {
    return JSON.parse(Buffer.from(part, "base64url").toString());
  } catch {
    return undefined;
  }
}
