import { insertMailJob } from "../accounts/mail-jobs.ts";
import type { Config } from "../config/config.ts";
import type { Ctx } from "../context.ts";
import { JobRefused } from "../jobs/jobs.ts";
import { createLogTransport } from "../mail/log-transport.ts";
import { mailKind, MailJob, type MailQueue, type MailTransport } from "../mail/mail.ts";
import { createSmtpTransport } from "../mail/smtp.ts";
import { deliver } from "./deliver.ts";

/** As many as there are connections to the mail server. */
const concurrency = 2;
/** The limit of a job, which is longer than the mail server may be silent in each of its steps. */
const timeoutMs = 90_000;
const defaultRetryMs: readonly number[] = [1_000, 5_000, 30_000, 120_000, 600_000];

export interface ClosableMailQueue extends MailQueue {
  /** Closes the connections to the mail server. */
  close(): void;
}

/**
 * The mails of this server, by the transport of the settings. They are jobs, which outlive the process.
 * @param retryMs milliseconds before the second, third … try
 */
export function createMailQueue(
  ctx: Ctx,
  retryMs: readonly number[] = defaultRetryMs,
): ClosableMailQueue {
  const { config, jobs, log, sql, telemetry } = ctx;
  const transport = createTransport(config, log);
  jobs.handle({
    name: mailKind,
    payload: MailJob,
    concurrency,
    timeoutMs,
    retryMs,
    // It has an address.
    isPersonal: true,
    async run(job, { isLast }) {
      if (!transport) throw noTransport(isLast);
      await deliver(ctx, transport, job);
      telemetry.metrics.mailEnded("sent");
    },
    onGivenUp({ kind }, error) {
      telemetry.metrics.mailEnded("failed");
      log.error({ err: error, kind }, "a mail was given up");
      return Promise.resolve();
    },
  });
  return {
    isOn: transport !== undefined,
    async add(job) {
      if (!transport) return;
      const payload = sql`${sql.json(job)}::jsonb`;
      await insertMailJob(sql, { payload, email: sql`${job.email}::text` });
      jobs.wake();
    },
    close: () => transport?.close(),
  };
}

/** Mails may wait from the time before `SMTP_URL` was removed. Until the last try, another server may be the first that has it. */
const noTransport = (isLast: boolean) => {
  const message = "no mail server is set up";
  return isLast ? new JobRefused(message) : new Error(message);
};

function createTransport({ mail }: Config, log: Ctx["log"]): MailTransport | undefined {
  if (mail.by === "smtp") return createSmtpTransport(mail);
  return mail.by === "log" ? createLogTransport(log) : undefined;
}
