// Sends events to webhooks. https://www.standardwebhooks.com describes the headers, the signature, and what a receiver does with them.
import { z } from "zod";
import type { Ctx } from "../context.ts";
import type { JobRun } from "../jobs/jobs.ts";
import type { MailQueue } from "../mail/mail.ts";
import { OutgoingError } from "../outgoing-http/outgoing-http.ts";
import { againKind, noteAttempt, skipDelivery, type Attempt } from "./delivery-queries.ts";
import { findDelivery, type DueDelivery } from "./due-delivery-queries.ts";
import { readEvent } from "./event-data.ts";
import { deliveryKind } from "./log-queries.ts";
import { openSecret, signatureOf } from "./secrets.ts";

/** Events that a server sends at once, to different webhooks. */
const concurrency = 20;
/** Those among them to webhooks of one person, whose receivers may be slow. */
const perLane = 3;
/** Longer than a request and the statements around it take. */
const timeoutMs = 45_000;
const seconds = 1_000;
const minutes = 60 * seconds;
const hours = 60 * minutes;
/** A bit less than a day in all, as Standard Webhooks advises; a random fifth is added. */
const defaultRetryMs: readonly number[] = [
  5 * seconds,
  1 * minutes,
  5 * minutes,
  30 * minutes,
  2 * hours,
  5 * hours,
  6 * hours,
  6 * hours,
];

const Payload = z.object({ delivery_id: z.int() });

interface DeliverParts {
  ctx: Ctx;
  mail: Pick<MailQueue, "isOn">;
}

/** Adds the jobs of webhooks to the queue. @param retryMs milliseconds before the second, third … try */
export function handleDeliveries(
  parts: DeliverParts,
  retryMs: readonly number[] = defaultRetryMs,
): void {
  const { jobs, log } = parts.ctx;
  const shared = { payload: Payload, concurrency, perLane, timeoutMs };
  jobs.handle({
    ...shared,
    name: deliveryKind,
    retryMs,
    run: ({ delivery_id: id }, run) => deliver(parts, id, run, { isAgain: false }),
    async onGivenUp({ delivery_id: id }, error) {
      log.warn({ err: error, deliveryId: id }, "an event was given up");
      const delivery = await findDelivery(parts.ctx.sql, id);
      if (delivery?.status === "pending")
        await note(parts, delivery, failure("the server failed"), { isLast: true });
    },
  });
  jobs.handle({
    ...shared,
    name: againKind,
    retryMs: [],
    run: ({ delivery_id: id }, run) => deliver(parts, id, run, { isAgain: true }),
  });
}

type Result = Omit<Attempt, "outcome"> & { isOk: boolean };

const failure = (error: string): Result => ({
  isOk: false,
  responseStatus: null,
  durationMs: 0,
  error,
  isGone: false,
});

/** @throws Error if the event has to be sent again later */
async function deliver(
  parts: DeliverParts,
  deliveryId: number,
  { isLast, signal }: JobRun,
  { isAgain }: { isAgain: boolean },
): Promise<void> {
  const { ctx } = parts;
  const delivery = await findDelivery(ctx.sql, deliveryId);
  if (!delivery || (!isAgain && delivery.status !== "pending")) return;
  const body =
    delivery.is_allowed && (isAgain || !isSeen(ctx, delivery))
      ? await readEvent(ctx.sql, delivery, ctx.now().getTime())
      : undefined;
  if (!body) {
    ctx.telemetry.metrics.webhookTried("skipped");
    await skipDelivery(ctx.sql, deliveryId);
    return;
  }
  const result = await send(ctx, delivery, JSON.stringify(body), signal);
  // A request that was ended by the server itself says nothing about the receiver.
  signal.throwIfAborted();
  // A delivery that somebody has sent again is still tried in its order, unless it had been given up.
  const isGivenUp = isAgain ? delivery.type === "test" || delivery.status !== "pending" : isLast;
  await note(parts, delivery, result, { isLast: isGivenUp });
  if (!result.isOk && !result.isGone && !isLast)
    throw new Error("the event was not taken; it is sent again later");
}

/** Whether a message needs no telling, because the person has its chat open, as far as this server knows, or has read it. */
function isSeen(
  { realtime }: Ctx,
  { type, person_id: personId, chat_id: chatId, is_read }: DueDelivery,
): boolean {
  if (type !== "message" || personId === null || chatId === null) return false;
  return is_read || (realtime.rooms.find(chatId)?.online.has(personId) ?? false);
}

async function send(
  ctx: Ctx,
  delivery: DueDelivery,
  body: string,
  signal: AbortSignal,
): Promise<Result> {
  const secrets = [delivery.sealed_secret, delivery.sealed_previous].flatMap((sealed) => {
    const secret = sealed === null ? undefined : openSecret(ctx, Buffer.from(sealed, "hex"));
    return secret === undefined ? [] : [secret];
  });
  if (secrets.length === 0) return failure("the secret cannot be read: rotate it");
  const id = `msg_${delivery.event_id}`;
  const timestamp = Math.floor(ctx.now().getTime() / 1_000);
  const startedAt = performance.now();
  const elapsed = () => Math.round(performance.now() - startedAt);
  try {
    const { status } = await ctx.outgoing.send({
      method: "POST",
      url: delivery.url,
      headers: {
        "content-type": "application/json",
        "user-agent": `gemini-coop/${ctx.config.version}`,
        "webhook-id": id,
        "webhook-timestamp": String(timestamp),
        "webhook-signature": signatureOf({ id, timestamp, body }, secrets),
      },
      body,
      signal,
    });
    const isOk = status >= 200 && status < 300;
    const error = isOk ? null : `it answered ${status}`;
    return { isOk, responseStatus: status, durationMs: elapsed(), error, isGone: status === 410 };
  } catch (error) {
    if (!(error instanceof OutgoingError)) throw error;
    return { ...failure(error.message), durationMs: elapsed() };
  }
}

async function note(
  { ctx, mail }: DeliverParts,
  delivery: DueDelivery,
  { isOk, ...result }: Result,
  { isLast }: { isLast: boolean },
): Promise<void> {
  const failed = isLast || result.isGone ? "failed" : "retried";
  const attempt: Attempt = { ...result, outcome: isOk ? "delivered" : failed };
  ctx.telemetry.metrics.webhookTried(attempt.outcome);
  const isOff = await noteAttempt(ctx.sql, delivery, attempt, { isMailed: mail.isOn });
  if (!isOff) return;
  ctx.telemetry.metrics.webhookTurnedOff();
  ctx.log.warn({ webhookId: delivery.webhook_id }, "a webhook was turned off");
  ctx.jobs.wake();
}
