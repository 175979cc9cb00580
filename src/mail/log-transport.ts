// Writes mails into the log, so that links can be followed in development without a mail server.
import type { Logger } from "pino";
import type { MailTransport } from "./mail.ts";

export function createLogTransport(log: Logger): MailTransport {
  return {
    send({ to, subject, text }) {
      log.info({ to, subject }, `SMTP_URL is not set, so this mail is not sent:\n\n${text}`);
      return Promise.resolve();
    },
    close() {},
  };
}
