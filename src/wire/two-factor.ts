// Codes of an authenticator app as a second factor (TOTP, RFC 6238).
import { z } from "zod";
import { text } from "./text.ts";

/** Seconds in which the code has to follow the password. */
export const signInTicketTtlSeconds = 5 * 60;
export const recoveryCodeCount = 10;

/** Spaces and dashes are for the eye. */
const Code = text({ min: 1, max: 64 }).meta({
  description: "Six digits of the authenticator app, or a recovery code",
  example: "123456",
});

export const CodeInput = z.object({ code: Code }).meta({ id: "CodeInput" });
export type CodeInput = z.infer<typeof CodeInput>;

export const TotpLoginInput = z
  .object({
    ticket: text({ min: 1, max: 256 }).meta({
      description: "`ticket` of the problem `mfa_required`",
    }),
    code: Code,
  })
  .meta({ id: "TotpLoginInput" });
export type TotpLoginInput = z.infer<typeof TotpLoginInput>;

export const TotpSetup = z
  .object({
    secret: z.string().meta({
      description: "The secret in base 32, for typing it into the app",
      example: "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP",
    }),
    uri: z.string().meta({
      description: "An `otpauth:` address for a QR code",
      example: "otpauth://totp/Gemini%20Coop:john_doe?secret=JBSWY3DPEHPK3PXP&issuer=Gemini%20Coop",
    }),
  })
  .meta({ id: "TotpSetup" });
export type TotpSetup = z.infer<typeof TotpSetup>;

export const RecoveryCodes = z
  .object({
    recovery_codes: z.array(z.string()).meta({
      description: "Each works once in place of a code. They are shown this once.",
      example: ["MFRG-GZDF-MZTW-QYLC"],
    }),
  })
  .meta({ id: "RecoveryCodes" });
export type RecoveryCodes = z.infer<typeof RecoveryCodes>;
