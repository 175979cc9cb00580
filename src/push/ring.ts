// The jobs that have browsers ring.
import type { Ctx } from "../context.ts";
import { JobRefused, type JobRun } from "../jobs/jobs.ts";
import { PushJob, pushKind } from "../log/push-jobs.ts";
import { OutgoingError } from "../outgoing-http/outgoing-http.ts";
import { pushRequest, type Vapid } from "./push-request.ts";
import { deleteSubscription, findNotice } from "./queries.ts";
import { vapidKeysOf, vapidSubjectOf } from "./vapid.ts";

const concurrency = 8;
/** Longer than a request takes at most. */
const timeoutMs = 30_000;
const retryMs: readonly number[] = [5_000, 30_000, 120_000, 600_000];

/** Has this server run the jobs. To be called once, before the queue is started. */
export function handlePush(ctx: Ctx): void {
  const vapid = { ...vapidKeysOf(ctx), subject: vapidSubjectOf(ctx.config) };
  const { metrics } = ctx.telemetry;
  ctx.jobs.handle({
    name: pushKind,
    payload: PushJob,
    concurrency,
    timeoutMs,
    retryMs,
    async run(job, run) {
      metrics.pushEnded(await ring(ctx, vapid, job, run));
    },
    onGivenUp() {
      metrics.pushEnded("failed");
      return Promise.resolve();
    },
  });
}

/**
 * Has one browser ring, if there is still something to ring for.
 * @throws JobRefused where no other try can succeed, and another error where one may
 */
async function ring(
  ctx: Ctx,
  vapid: Vapid,
  job: PushJob,
  { signal }: JobRun,
): Promise<"sent" | "unneeded" | "gone"> {
  const notice = await findNotice(ctx.sql, job);
  if (!notice) return "unneeded";
  const request = pushRequest(vapid, notice, job.reason);
  const { status } = await ctx.outgoing.send({ ...request, signal }).catch(refusedAddress);
  if (status >= 200 && status < 300) return "sent";
  // The browser has unsubscribed (RFC 8030 §7.3), or has subscribed for other keys of the server.
  if ([403, 404, 410].includes(status)) {
    await deleteSubscription(ctx.sql, job.subscription_id);
    return "gone";
  }
  const words = `the push service answered ${status}`;
  if (status === 429 || status >= 500) throw new Error(words);
  throw new JobRefused(words);
}

function refusedAddress(error: unknown): never {
  if (error instanceof OutgoingError && error.failure === "address_refused") {
    throw new JobRefused("the address of the push service is not a public one", { cause: error });
  }
  throw error;
}
