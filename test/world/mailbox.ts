// A mail server that keeps what it is sent.
import { SMTPServer } from "smtp-server";

export interface ReceivedMail {
  /** The addresses of the envelope, in lower case. */
  to: string[];
  /** The decoded text of the mail with its headers. */
  raw: string;
}

export interface Mailbox {
  readonly url: string;
  readonly mails: readonly ReceivedMail[];
  /** The nth mail to an address (the first is 1), as soon as it is there. */
  mailTo(address: string, nth?: number): Promise<ReceivedMail>;
  /** Refuses so many of the next mails, with a code for now (450) or for good (550). */
  refuse(count: number, code?: number): void;
  stop(): Promise<void>;
}

/** Undoes quoted-printable (RFC 2045 §6.7), of ASCII. */
const decoded = (raw: string) =>
  raw
    .replaceAll(/=\r?\n/g, "")
    .replaceAll(/=([0-9A-F]{2})/g, (_, hex: string) => String.fromCharCode(parseInt(hex, 16)));

export async function startMailbox(): Promise<Mailbox> {
  const mails: ReceivedMail[] = [];
  const arrivals = new Set<() => void>();
  const refusals: number[] = [];
  const server = new SMTPServer({
    authOptional: true,
    disabledCommands: ["STARTTLS"],
    onData(stream, session, callback) {
      const chunks: Buffer[] = [];
      stream.on("data", (chunk: Buffer) => chunks.push(chunk));
      stream.on("end", () => {
        const refusal = refusals.shift();
        if (refusal !== undefined) {
          callback(Object.assign(new Error("not now"), { responseCode: refusal }));
          return;
        }
        const to = session.envelope.rcptTo.map(({ address }) => address.toLowerCase());
        mails.push({ to, raw: decoded(Buffer.concat(chunks).toString("utf8")) });
        callback();
        for (const notice of arrivals) notice();
      });
    },
  });
  const { promise, resolve } = Promise.withResolvers<void>();
  const listening = server.listen(0, "127.0.0.1", () => resolve());
  await promise;
  const address = listening.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  return {
    url: `smtp://127.0.0.1:${port}`,
    mails,
    async mailTo(to, nth = 1) {
      for (;;) {
        const found = mails.filter((mail) => mail.to.includes(to.toLowerCase()))[nth - 1];
        if (found) return found;
        const next = Promise.withResolvers<void>();
        arrivals.add(next.resolve);
        await next.promise;
        arrivals.delete(next.resolve);
      }
    },
    refuse(count, code = 450) {
      for (let n = 0; n < count; n += 1) refusals.push(code);
    },
    stop: () => new Promise((done) => server.close(done)),
  };
}

/** The token of the link in a mail. */
export function tokenOf({ raw }: ReceivedMail): string {
  const [, token] = /#\/(?:verify-email|reset-password)\/([\w-]{43})/.exec(raw) ?? [];
  if (!token) throw new Error(`there is no link in ${raw}`);
  return token;
}
