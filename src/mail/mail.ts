// Mails, and the port that sends them.
import { z } from "zod";

/** One mail to one person, in plain text and in HTML with the same content. */
export interface Mail {
  readonly to: string;
  readonly subject: string;
  readonly text: string;
  readonly html: string;
}

/** Sends one mail. It rejects if the mail server does not accept it. */
export interface MailTransport {
  send(mail: Mail): Promise<void>;
  close(): void;
}

/** The kind of the jobs that end in a mail. */
export const mailKind = "mail";

/**
 * The work that ends in a mail. It has neither a secret nor a text, so that it may be stored: links are made when the mail is.
 * `verify_email`: a link for the address that a person wants to have. `reset_password`: a link for the account that has the address, if there is one.
 * `password_was_reset`, `email_was_changed`, `identity_was_linked`, `webhook_off`: notices.
 */
export const MailJob = z.discriminatedUnion("kind", [
  z.object({ kind: z.literal("verify_email"), user_id: z.int(), email: z.string() }),
  z.object({ kind: z.literal("reset_password"), email: z.string() }),
  z.object({
    kind: z.literal("password_was_reset"),
    email: z.string(),
    username: z.string(),
    /** Both are missing in jobs of a version before. */
    user_id: z.int().optional(),
    was_verified: z.boolean().optional(),
  }),
  z.object({
    kind: z.literal("email_was_changed"),
    email: z.string(),
    username: z.string(),
    new_email: z.string(),
  }),
  z.object({
    kind: z.literal("identity_was_linked"),
    email: z.string(),
    username: z.string(),
    provider: z.string(),
    label: z.string(),
  }),
  z.object({
    kind: z.literal("webhook_off"),
    email: z.string(),
    username: z.string(),
    url: z.string(),
    is_gone: z.boolean(),
  }),
]);
export type MailJob = z.infer<typeof MailJob>;

/** Takes work that ends in a mail, and does it after the request. */
export interface MailQueue {
  /** Whether mails can be sent. */
  readonly isOn: boolean;
  /** Settles when the job is stored. It takes as long whatever becomes of the mail, and does nothing if mails cannot be sent. */
  add(job: MailJob): Promise<void>;
}

/** Sends nothing. */
export const noMail: MailQueue = { isOn: false, add: () => Promise.resolve() };
