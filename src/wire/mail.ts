// Verifying and changing an email address, and resetting a password, by links that are sent by mail.
import { z } from "zod";
import { text } from "./text.ts";
import { Email, Password } from "./users.ts";

/** Seconds for which a link works. */
export const linkTtlSeconds = 30 * 60;

const linkToken = text({ min: 1, max: 256 }).meta({
  description: "The token of the link in the mail",
  example: "VG9kYXkgaXMgYSBnb29kIGRheSB0byBzYXkgaGVsbG8",
});

export const ChangeEmailInput = z.object({ email: Email }).meta({ id: "ChangeEmailInput" });
export type ChangeEmailInput = z.infer<typeof ChangeEmailInput>;

export const VerifyEmailInput = z.object({ token: linkToken }).meta({ id: "VerifyEmailInput" });

export const ForgotPasswordInput = z.object({ email: Email }).meta({ id: "ForgotPasswordInput" });

export const ResetPasswordInput = z
  .object({ token: linkToken, password: Password })
  .meta({ id: "ResetPasswordInput" });
export type ResetPasswordInput = z.infer<typeof ResetPasswordInput>;
