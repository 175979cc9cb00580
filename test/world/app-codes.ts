// An authenticator app.
import { Secret, TOTP } from "otpauth";

/** The code that an app shows. @param secret in base 32, as the server tells it */
export function appCode(secret: string, atMs = Date.now()): string {
  return new TOTP({ secret: Secret.fromBase32(secret) }).generate({ timestamp: atMs });
}

/** A secret as the database has it, and its code now. */
export function newAppSecret(): { secret: Buffer; code: string } {
  const secret = new Secret({ size: 20 });
  return { secret: Buffer.from(secret.bytes), code: appCode(secret.base32) };
}
