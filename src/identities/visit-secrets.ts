// The secrets of a visit to a provider. All of them are derived from one, which is in the browser's cookie and nowhere else: the database
// has its SHA-256, so that nobody who reads it can go on with a visit that somebody else has begun.
import { makeSecret } from "../accounts/access-tokens.ts";
import type { VisitSecrets } from "./provider.ts";

export const makeVisitSecret = makeSecret;

/** Each tells nothing about the others: `state` and `nonce` pass the provider and the address bar. */
export function secretsOf(secret: string): VisitSecrets {
  const derive = (purpose: string) =>
    new Bun.CryptoHasher("sha256", secret).update(purpose).digest("base64url");
  return { state: derive("state"), nonce: derive("nonce"), codeVerifier: derive("code verifier") };
}
