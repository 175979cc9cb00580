// Sends mails by SMTP, with nodemailer.
import { createTransport } from "nodemailer";
import type { Mail, MailTransport } from "./mail.ts";

const connectTimeoutMs = 10_000;
const silenceTimeoutMs = 20_000;
const connectionsMax = 2;

/** @param url smtp:// or smtps://, with the user and the password if the server asks for them */
export function createSmtpTransport({ url, from }: { url: string; from: string }): MailTransport {
  const transport = createTransport({
    url,
    pool: true,
    maxConnections: connectionsMax,
    connectionTimeout: connectTimeoutMs,
    greetingTimeout: connectTimeoutMs,
    socketTimeout: silenceTimeoutMs,
    // Mails are made of texts only: nothing is read from files or from the network.
    disableFileAccess: true,
    disableUrlAccess: true,
  });
  return {
    async send({ to, subject, text, html }: Mail) {
      // An object: a text would be parsed as a list of addresses.
      await transport.sendMail({ from, to: { name: "", address: to }, subject, text, html });
    },
    close: () => transport.close(),
  };
}
