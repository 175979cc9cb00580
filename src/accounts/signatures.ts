// Verifies the HMAC of a JWT (RFC 7515 §5.2) synchronously. WebCrypto, by which packages verify it, imports the key and waits for
// a promise each time, which takes ten times as long: a restart brings thousands of tokens at once.
import { timingSafeEqual } from "node:crypto";
import type { Config } from "../config/config.ts";

const hashes = { HS256: "sha256", HS384: "sha384", HS512: "sha512" } as const;
const base64url = /^[\w-]+$/;

/** The header of every token that this server signs. */
export interface SignedHeader {
  alg: Config["algorithm"];
  typ: string;
}

/**
 * @param keys one of them has signed the token
 * @returns the payload, which is some JSON; undefined for a token whose header differs in anything, since it cannot be one that
 * this server has made, and for one that is not signed with one of the keys
 */
export function readSigned(token: string, header: SignedHeader, keys: string[]): unknown {
  const signedUpTo = token.lastIndexOf(".");
  const [signed, signature] = [token.slice(0, signedUpTo), token.slice(signedUpTo + 1)];
  const start = `${encoded(header)}.`;
  const payload = signed.slice(start.length);
  if (!signed.startsWith(start) || !base64url.test(payload)) return undefined;
  const isSigned = keys.some((key) => {
    const hash = new Bun.CryptoHasher(hashes[header.alg], key).update(signed);
    return isSame(hash.digest("base64url"), signature);
  });
  return isSigned ? decoded(payload) : undefined;
}

function isSame(expected: string, actual: string): boolean {
  const [a, b] = [Buffer.from(expected), Buffer.from(actual)];
  return a.length === b.length && timingSafeEqual(a, b);
}

const encoded = (value: object) => Buffer.from(JSON.stringify(value)).toString("base64url");

function decoded(part: string): unknown {
  try {
    return JSON.parse(Buffer.from(part, "base64url").toString());
  } catch {
    return undefined;
  }
}
