// Mails, and the port that sends them.

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

/**
 * The work that ends in a mail. It has neither a secret nor a text, so that it may be stored: links are made when the mail is.
 * `verify_email`: a link for the address that a person wants to have. `reset_password`: a link for whoever has the address, if anybody.
 * `password_was_reset`, `email_was_changed`: notices.
 */
export type MailJob =
  | { readonly kind: "verify_email"; readonly userId: number; readonly email: string }
  | { readonly kind: "reset_password"; readonly email: string }
  | { readonly kind: "password_was_reset"; readonly email: string; readonly username: string }
  | {
      readonly kind: "email_was_changed";
      readonly email: string;
      readonly username: string;
      readonly newEmail: string;
    };

/** Takes work that ends in a mail, and does it after the request. */
export interface MailQueue {
  /** Whether mails can be sent. */
  readonly isOn: boolean;
  /** Never throws and never waits, so that the reply to a request tells nothing of what becomes of the mail. */
  add(job: MailJob): void;
}

/** Sends nothing. */
export const noMail: MailQueue = { isOn: false, add() {} };
