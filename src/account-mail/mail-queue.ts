import type { Logger } from "pino";
import type { Config } from "../config/config.ts";
import type { Ctx } from "../context.ts";
import { InProcessMailQueue } from "../mail/in-process-queue.ts";
import { createLogTransport } from "../mail/log-transport.ts";
import type { MailTransport } from "../mail/mail.ts";
import { createSmtpTransport } from "../mail/smtp.ts";
import { deliver } from "./deliver.ts";

/**
 * The queue of the mails of this server, by the transport of the settings.
 * @param retryMs see {@link InProcessMailQueue}
 */
export function createMailQueue(
  ctx: Ctx,
  retryMs: readonly number[] | undefined,
): InProcessMailQueue {
  const { config, log, telemetry } = ctx;
  const transport = createTransport(config, log);
  return new InProcessMailQueue({
    deliver: transport && ((job) => deliver(ctx, transport, job)),
    close: () => transport?.close(),
    log,
    metrics: telemetry.metrics,
    retryMs,
  });
}

function createTransport({ mail }: Config, log: Logger): MailTransport | undefined {
  if (mail.by === "smtp") return createSmtpTransport(mail);
  return mail.by === "log" ? createLogTransport(log) : undefined;
}
