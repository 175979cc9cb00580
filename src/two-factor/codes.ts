// Codes of authenticator apps (TOTP, RFC 6238: SHA-1, six digits, 30 s, which is what all apps support), and recovery codes.
import { Secret, TOTP } from "otpauth";
import { recoveryCodeCount } from "../wire/two-factor.ts";

const issuer = "Gemini Coop";
const secretBytes = 20;
const periodSeconds = 30;
/** Steps before and after the present one whose codes are accepted (RFC 6238 §5.2): clocks differ, and typing takes time. */
const window = 1;
/** 80 bits, as 16 letters and digits. */
const recoveryCodeBytes = 10;

const randomBytes = (count: number) => Buffer.from(crypto.getRandomValues(new Uint8Array(count)));

export function makeTotpSecret(): Buffer {
  return randomBytes(secretBytes);
}

function totpOf(secret: Buffer, username: string): TOTP {
  return new TOTP({
    issuer,
    label: username,
    algorithm: "SHA1",
    digits: 6,
    period: periodSeconds,
    secret: new Secret({ buffer: new Uint8Array(secret).buffer }),
  });
}

/** The secret for typing it, and as an address for a QR code. */
export function setupOf(secret: Buffer, username: string): { secret: string; uri: string } {
  const totp = totpOf(secret, username);
  return { secret: totp.secret.base32, uri: totp.toString() };
}

/** The time step of a code that is right now; undefined for a wrong one. */
export function stepOf(secret: Buffer, code: string, now: Date): number | undefined {
  const timestamp = now.getTime();
  const delta = totpOf(secret, "").validate({ token: code, window, timestamp });
  return delta === null ? undefined : Math.floor(timestamp / 1_000 / periodSeconds) + delta;
}

/** Whether a code is one of an app, and no recovery code. */
export function isAppCode(code: string): boolean {
  return /^\d{6}$/.test(code);
}

/** A code as it was typed, without spaces and dashes. */
export function plainCode(code: string): string {
  return code.replaceAll(/[\s-]/g, "").toUpperCase();
}

/** New recovery codes, in groups of four characters. {@link plainCode} of each is what is hashed. */
export function makeRecoveryCodes(): string[] {
  return Array.from({ length: recoveryCodeCount }, () => {
    const { base32 } = new Secret({
      buffer: new Uint8Array(randomBytes(recoveryCodeBytes)).buffer,
    });
    return base32.replaceAll(/(.{4})(?=.)/g, "$1-");
  });
}
