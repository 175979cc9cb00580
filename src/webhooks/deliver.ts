// The jobs of webhooks: each run delivers the events of one webhook that are due, one after the other, and notes them together.
import { z } from "zod";
import type { Ctx } from "../context.ts";
import type { JobRun } from "../jobs/jobs.ts";
import type { MailQueue } from "../mail/mail.ts";
import { tellWebhooks } from "./actions.ts";
import { againKind, noteAttempts, type Attempt } from "./delivery-queries.ts";
import { createReader, type ReadDelivery } from "./delivery-reader.ts";
import { findDueDeliveries, type DueDelivery } from "./due-delivery-queries.ts";
import { deliveryKind } from "./log-queries.ts";
import { failure, sendEvent } from "./send.ts";

/** Events that a server sends at once, to different webhooks. */
const concurrency = 20;
/** Events that a server sends at once to webhooks of one person, whose receivers may be slow. */
const perLane = 3;
/** Events of one run at most. */
const batchMax = 100;
/**
 * A run begins no other event after this, so that what it has delivered is noted soon, and others have their turn. It is shorter than the lease
 * of a job: a server that stood still for so long that another one has the job sends nothing more.
 */
const batchMs = 3_000;
/** After so many events of one run, there may be room for more of them that wait in the log. */
const refillMin = 50;
/** Longer than a run with its last request, and the statements around it, take. */
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
    batchMax,
    run: (payload, run) => deliver(parts, payload, run),
    async onGivenUp({ delivery_id: id }, error) {
      log.warn({ err: error, deliveryId: id }, "an event was given up");
      const delivery = (await findDueDeliveries(parts.ctx.sql, [id])).get(id);
      if (delivery?.status !== "pending") return;
      const failed = { ...failure("the server failed"), outcome: "failed" } as const;
      await note(parts, [{ ...failed, delivery, endedAt: performance.now() }], { isAgain: false });
    },
  });
  jobs.handle({
    ...shared,
    name: againKind,
    retryMs: [],
    run: ({ delivery_id: id }, run) => deliverAgain(parts, id, run),
  });
}

type Payload = z.infer<typeof Payload>;

/** A try that has ended, and is not noted yet. */
interface Tried extends Omit<Attempt, "deliveryId" | "agoMs"> {
  readonly delivery: DueDelivery;
  /** The time of the end by `performance.now()`, which only moves on. */
  readonly endedAt: number;
}

/**
 * Delivers an event, and those behind it as long as they are taken. A server that is killed before they are noted delivers them once more, with
 * the same ids.
 * @throws Error if an event has to be sent again later
 */
async function deliver(parts: DeliverParts, payload: Payload, run: JobRun<Payload>): Promise<void> {
  const { ctx } = parts;
  const jobs = [{ payload, isLast: run.isLast }, ...run.following];
  const read = createReader(
    ctx,
    jobs.map((job) => job.payload.delivery_id),
  );
  const until = performance.now() + batchMs;
  const tried: Tried[] = [];
  let done = 0;
  let isTaken = true;
  try {
    while (isTaken && done < jobs.length) {
      if (done > 0 && (ctx.lifecycle.closing || performance.now() >= until)) break;
      const found = await read(done);
      if (found?.delivery.status === "pending") {
        const isLast = jobs[done]?.isLast ?? true;
        const end = await tryOne(ctx, found, { isLast, isAgain: false, signal: run.signal });
        tried.push(end);
        isTaken = end.outcome === "delivered" || end.outcome === "skipped";
        if (end.outcome === "retried") break;
      }
      done += 1;
    }
  } finally {
    await note(parts, tried, { isAgain: false });
    run.done(done);
  }
  if (tried.at(-1)?.outcome === "retried")
    throw new Error("the event was not taken; it is sent again later");
  if (done >= refillMin) await refill(ctx);
}

/** Sends a delivery once, beside the order. */
async function deliverAgain(
  parts: DeliverParts,
  deliveryId: number,
  { signal }: JobRun,
): Promise<void> {
  const found = await createReader(parts.ctx, [deliveryId])(0);
  if (!found) return;
  const { type, status } = found.delivery;
  // A delivery that somebody has sent again is still tried in its order, unless it had been given up.
  const isLast = type === "test" || status !== "pending";
  const tried = await tryOne(parts.ctx, found, { isLast, isAgain: true, signal });
  await note(parts, [tried], { isAgain: true });
}

interface Try {
  isLast: boolean;
  isAgain: boolean;
  signal: AbortSignal;
}

async function tryOne(
  ctx: Ctx,
  { delivery, body }: ReadDelivery,
  { isLast, isAgain, signal }: Try,
): Promise<Tried> {
  if (!body || (!isAgain && isSeen(ctx, delivery))) {
    const nothing = { responseStatus: null, durationMs: null, error: null, isGone: false };
    return { ...nothing, delivery, outcome: "skipped", endedAt: performance.now() };
  }
  const { isOk, ...result } = await sendEvent(ctx, delivery, JSON.stringify(body), signal);
  // A request that was ended by the server itself says nothing about the receiver.
  signal.throwIfAborted();
  const failed = isLast || result.isGone ? "failed" : "retried";
  const outcome = isOk ? "delivered" : failed;
  return { ...result, delivery, outcome, endedAt: performance.now() };
}

/** Whether a message needs no telling, because the person has its chat open, as far as this server knows, or has read it. */
function isSeen(
  { realtime }: Ctx,
  { type, person_id: personId, chat_id: chatId, is_read }: DueDelivery,
): boolean {
  if (type !== "message" || personId === null || chatId === null) return false;
  return is_read || (realtime.rooms.find(chatId)?.online.has(personId) ?? false);
}

/** Notes tries to tell one webhook. */
async function note(
  { ctx, mail }: DeliverParts,
  tried: readonly Tried[],
  { isAgain }: { isAgain: boolean },
): Promise<void> {
  const delivery = tried[0]?.delivery;
  if (!delivery) return;
  for (const { outcome } of tried) ctx.telemetry.metrics.webhookTried(outcome);
  const now = performance.now();
  const attempts = tried.map(({ delivery: { id }, endedAt, ...end }): Attempt => {
    return { ...end, deliveryId: id, agoMs: Math.round(now - endedAt) };
  });
  const isOff = await noteAttempts(ctx.sql, attempts, {
    webhookId: delivery.webhook_id,
    counts: delivery.type !== "test",
    isAgain,
    isMailed: mail.isOn,
  });
  if (!isOff) return;
  ctx.telemetry.metrics.webhookTurnedOff();
  ctx.log.warn({ webhookId: delivery.webhook_id }, "a webhook was turned off");
  ctx.jobs.wake();
}

/** Makes deliveries of what waits in the log, where it need not wait for the next look. */
async function refill(ctx: Ctx): Promise<void> {
  await tellWebhooks(ctx).catch((error: unknown) =>
    ctx.log.warn({ err: error }, "events were not noted for webhooks; it will be tried again"),
  );
}
