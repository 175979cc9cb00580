// Notes how the runs of jobs have ended.
import type { Logger } from "pino";
import type { Sql } from "../database/connect.ts";
import type { Metrics } from "../observability/metrics/metrics.ts";
import { isFinal, noteOf, waitMsOf } from "./job-errors.ts";
import type { JobKind } from "./jobs.ts";
import { buryJob, deleteJob, passHold, postponeJob } from "./queries.ts";
import type { TakenJob } from "./taking-queries.ts";

/** Share of a wait that is added at most, so that jobs which failed together are not tried together. */
const jitter = 0.2;
/** A job that could not be given up is tried once more after this. */
const buryAgainMs = 60_000;

interface Parts {
  sql: Sql;
  log: Logger;
  metrics: Pick<Metrics, "jobEnded">;
}

/** Removes a job, and those behind it that its run has done. @param done how many that are, this one included */
export async function noteDone(
  { sql, metrics }: Parts,
  kind: JobKind<unknown>,
  job: TakenJob,
  done: number,
): Promise<void> {
  for (let n = 0; n < done; n += 1) metrics.jobEnded(kind.name, "done");
  await deleteJob(sql, job, followingIds(job, done));
}

interface Failure {
  job: TakenJob;
  /** Jobs of the run that were done before; the one behind them has failed. */
  done: number;
  error: unknown;
  leaseMs: number;
}

export async function noteFailure(
  parts: Parts,
  kind: JobKind<unknown>,
  { job, done, error, leaseMs }: Failure,
): Promise<void> {
  if (done === 0) return await failed(parts, kind, job, error);
  const next = job.following[done - 1];
  if (!next) return await noteDone(parts, kind, job, done);
  for (let n = 0; n < done; n += 1) parts.metrics.jobEnded(kind.name, "done");
  const passing = { followingIds: followingIds(job, done), next, leaseMs };
  if (!(await passHold(parts.sql, job, passing))) return;
  await failed(parts, kind, { ...next, attempts: next.attempts + 1 }, error);
}

const followingIds = ({ following }: TakenJob, done: number) =>
  following.slice(0, done - 1).map(({ id }) => id);

/** Postpones a job that has failed, or gives it up. */
async function failed(
  { sql, log, metrics }: Parts,
  kind: JobKind<unknown>,
  job: Pick<TakenJob, "id" | "attempts" | "payload">,
  error: unknown,
): Promise<void> {
  const note = noteOf(error);
  const waitMs = waitMsOf(kind, job.attempts, error);
  if (waitMs !== undefined) {
    const afterMs = Math.round(waitMs * (1 + Math.random() * jitter));
    log.debug({ err: error, kind: kind.name, afterMs }, "a job failed; it will be tried again");
    metrics.jobEnded(kind.name, "retried");
    await postponeJob(sql, job, { afterMs, error: note });
    return;
  }
  try {
    await kind.onGivenUp?.(job.payload, error);
  } catch (cause) {
    log.warn({ err: cause, kind: kind.name }, "a job could not be given up");
    if (!isFinal(cause)) {
      await postponeJob(sql, job, { afterMs: buryAgainMs, error: note });
      return;
    }
  }
  log.error({ err: error, kind: kind.name, jobId: job.id }, "a job was given up");
  metrics.jobEnded(kind.name, "dead");
  await buryJob(sql, job, { error: note, isPersonal: kind.isPersonal ?? false });
}
