// The secrets of webhooks: how they are kept, and how they sign.
import { createCipheriv, createDecipheriv, createHmac, hkdfSync, randomBytes } from "node:crypto";
import type { Ctx } from "../context.ts";
import { webhookSecretPrefix } from "../wire/webhooks.ts";

const newSecretBytes = 32;
const cipher = "aes-256-gcm";
const nonceBytes = 12;
const tagBytes = 16;

type Keys = Pick<Ctx, "config">;

/** Makes a secret as Standard Webhooks writes it. */
export function makeWebhookSecret(): string {
  return webhookSecretPrefix + randomBytes(newSecretBytes).toString("base64");
}

/** A key for this purpose alone (RFC 5869). */
function sealingKey(secretKey: string): Buffer {
  return Buffer.from(hkdfSync("sha256", secretKey, "", "gemini-coop webhook secrets", 32));
}

/** Encrypts a secret for the database, so that its backups sign nothing. */
export function sealSecret({ config }: Keys, secret: string): Buffer {
  const nonce = randomBytes(nonceBytes);
  const sealing = createCipheriv(cipher, sealingKey(config.secretKey), nonce);
  const sealed = Buffer.concat([sealing.update(secret, "utf8"), sealing.final()]);
  return Buffer.concat([nonce, sealing.getAuthTag(), sealed]);
}

/** @returns undefined for a secret that was sealed with a key which is neither SECRET_KEY nor SECRET_KEY_PREVIOUS */
export function openSecret({ config }: Keys, sealed: Buffer): string | undefined {
  const secret = openWith(config.secretKey, sealed);
  if (secret !== undefined || config.previousSecretKey === undefined) return secret;
  return openWith(config.previousSecretKey, sealed);
}

/**
 * Seals a secret that was sealed with SECRET_KEY_PREVIOUS with SECRET_KEY.
 * @returns the secret as it is if SECRET_KEY has sealed it, and undefined for one that neither key can read
 */
export function sealedAgain(keys: Keys, sealed: Buffer): Buffer | undefined {
  if (openWith(keys.config.secretKey, sealed) !== undefined) return sealed;
  const secret = openSecret(keys, sealed);
  return secret === undefined ? undefined : sealSecret(keys, secret);
}

/** @returns undefined for a secret that was sealed with another key */
function openWith(secretKey: string, sealed: Buffer): string | undefined {
  try {
    const opening = createDecipheriv(cipher, sealingKey(secretKey), sealed.subarray(0, nonceBytes));
    opening.setAuthTag(sealed.subarray(nonceBytes, nonceBytes + tagBytes));
    const text = opening.update(sealed.subarray(nonceBytes + tagBytes));
    return Buffer.concat([text, opening.final()]).toString("utf8");
  } catch {
    return undefined;
  }
}

export interface Signed {
  /** The header `webhook-id`. */
  readonly id: string;
  /** The header `webhook-timestamp`: seconds since the epoch. */
  readonly timestamp: number;
  readonly body: string;
}

/** Makes the header `webhook-signature`: HMAC-SHA256 with each of the secrets, separated by spaces, by Standard Webhooks 1.0.0. */
export function signatureOf({ id, timestamp, body }: Signed, secrets: readonly string[]): string {
  return secrets
    .map((secret) => {
      const key = Buffer.from(secret.slice(webhookSecretPrefix.length), "base64");
      return `v1,${createHmac("sha256", key).update(`${id}.${timestamp}.${body}`).digest("base64")}`;
    })
    .join(" ");
}
