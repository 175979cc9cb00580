// The jobs that send push messages to browsers.
import type { Ctx } from "../context.ts";
import { JobRefused, type JobRun } from "../jobs/jobs.ts";
import { PushJob, pushKind } from "../log/push-jobs.ts";
import { OutgoingError, type OutgoingRequest } from "../outgoing-http/outgoing-http.ts";
import { pushRequest, ttlSeconds, type Vapid } from "./push-request.ts";
import { deleteSecondLooks, findNotice, lookAgain } from "./notice-queries.ts";
import { deleteSubscription, forgetTimeouts, noteTimeout } from "./queries.ts";
import { vapidKeysOf, vapidSubjectOf } from "./vapid.ts";

const concurrency = 8;
/** The limit of a job, which is longer than a request takes at most. */
const timeoutMs = 30_000;
/** A push service that takes longer is noted, and is not asked for a while at last. */
const defaultAnswerMs = 5_000;
/** The other browsers of the person wait meanwhile. */
const retryMs: readonly number[] = [5_000, 30_000, 120_000];
/**
 * After this, a connection that had died when the message came counts as active no more, and a person who was active has had the time to
 * read it.
 */
const secondLookMs = 54_000;

export interface PushDurations {
  /** For a request to a push service, until it counts as one that was not answered in time. */
  pushAnswerMs: number;
}

/** Registers the jobs at the queue of this server. To be called once, before the queue is started. */
export function handlePush(
  ctx: Ctx,
  { pushAnswerMs = defaultAnswerMs }: Partial<PushDurations>,
): void {
  const vapid = { ...vapidKeysOf(ctx), subject: vapidSubjectOf(ctx.config) };
  const { metrics } = ctx.telemetry;
  ctx.jobs.handle({
    name: pushKind,
    payload: PushJob,
    concurrency,
    timeoutMs,
    retryMs,
    async run(job, run) {
      const outcome = await ring({ ctx, vapid, answerMs: pushAnswerMs }, job, run);
      if (outcome !== "postponed") metrics.pushEnded(outcome);
    },
    onGivenUp() {
      metrics.pushEnded("failed");
      return Promise.resolve();
    },
  });
}

interface Ringing {
  ctx: Ctx;
  vapid: Vapid;
  answerMs: number;
}

/**
 * Makes one browser ring, if there is still something to ring for.
 * @throws JobRefused where no other try can succeed, and another error where one may
 */
async function ring(
  { ctx, vapid, answerMs }: Ringing,
  job: PushJob,
  run: JobRun,
): Promise<"sent" | "unneeded" | "gone" | "postponed"> {
  const { sql } = ctx;
  const notice = await findNotice(sql, job, { jobId: run.id, ttlSeconds });
  if (!notice) return "unneeded";
  if (notice.is_online) {
    if (job.is_second_look) return "unneeded";
    await lookAgain(sql, job, { userId: notice.user_id, afterMs: secondLookMs });
    return "postponed";
  }
  const request = pushRequest(vapid, notice, job.reason);
  const status = await statusOf(ctx, request, { answerMs, job, run });
  if (notice.timeouts > 0) await forgetTimeouts(sql, job.subscription_id);
  if (status >= 200 && status < 300) {
    await deleteSecondLooks(sql, job, notice);
    return "sent";
  }
  // The browser has unsubscribed (RFC 8030 §7.3), or has subscribed for other keys of the server.
  if ([403, 404, 410].includes(status)) {
    await deleteSubscription(sql, job.subscription_id);
    return "gone";
  }
  const words = `the push service answered ${status}`;
  if (status === 429 || status >= 500) throw new Error(words);
  throw new JobRefused(words);
}

/** Sends a push message. @throws JobRefused for an address that is not public, and another error where there is no answer */
async function statusOf(
  ctx: Ctx,
  request: OutgoingRequest,
  { answerMs, job, run }: { answerMs: number; job: PushJob; run: JobRun },
): Promise<number> {
  const deadline = AbortSignal.timeout(answerMs);
  try {
    const signal = AbortSignal.any([deadline, run.signal]);
    return (await ctx.outgoing.send({ ...request, signal })).status;
  } catch (error) {
    if (error instanceof OutgoingError && error.failure === "address_refused") {
      throw new JobRefused("the address of the push service is not a public one", { cause: error });
    }
    if (deadline.aborted && !run.signal.aborted) await noteTimeout(ctx.sql, job.subscription_id);
    throw error;
  }
}
