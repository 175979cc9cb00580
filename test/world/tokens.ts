// Access tokens that the server has not made.
import { SignJWT, type JWTPayload } from "jose";

/** A token that is rightly signed with a key, whatever its header and its claims say. */
export function forge(
  claims: Record<string, unknown>,
  key: string | CryptoKey,
  header: { alg?: string; [parameter: string]: unknown } = {},
): Promise<string> {
  const payload: JWTPayload = { ...claims };
  return new SignJWT(payload)
    .setProtectedHeader({ alg: "HS256", typ: "at+jwt", ...header })
    .sign(typeof key === "string" ? new TextEncoder().encode(key) : key);
}
