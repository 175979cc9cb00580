// Takes jobs from the table and runs them. Every server does it for all kinds.
import type { Logger } from "pino";
import type { Sql } from "../database/connect.ts";
import type { Metrics } from "../observability/metrics/metrics.ts";
import { inPages, inTurn, within } from "../schedule.ts";
import { noteDone, noteFailure } from "./job-ends.ts";
import { JobRefused, type FollowingJob, type JobKind, type Jobs } from "./jobs.ts";
import { countJobs, deleteDeadJobs, giveBackJobs, renewJobs } from "./queries.ts";
import { takeJobs, type LaneLoad, type TakenJob } from "./taking-queries.ts";

/** Another server takes a job within this after its server was killed. It is renewed three times in that time. */
const defaultLeaseMs = 6_000;
/** The time that runs have after they were aborted, before another server may take their jobs. */
const abortedMs = 500;
const deadDays = 7;
const cleanUpPageSize = 1_000;

export interface JobQueueParts {
  sql: Sql;
  log: Logger;
  metrics: Pick<Metrics, "jobsHandled" | "jobEnded">;
  lifecycle: { readonly closing: boolean };
  leaseMs?: number | undefined;
}

interface Running {
  readonly job: TakenJob;
  readonly abort: AbortController;
  readonly ended: Promise<void>;
}

export class JobQueue implements Jobs {
  readonly #parts: JobQueueParts;
  readonly #kinds = new Map<string, JobKind<unknown>>();
  readonly #running = new Map<number, Running>();
  readonly #take: () => Promise<void>;
  readonly #leaseMs: number;
  /** When leases were renewed last, by the clock that only moves on. */
  #renewedAt = -Infinity;
  #counts = { waiting: 0, dead: 0, lateMs: 0 };
  #isStarted = false;
  /** Runs that have ended. */
  #ends = 0;
  /** Whether the last look may have left jobs that are due. */
  #isMore = false;
  #isStopped = false;

  constructor(parts: JobQueueParts) {
    this.#parts = parts;
    this.#leaseMs = parts.leaseMs ?? defaultLeaseMs;
    this.#take = inTurn(() => this.#takeDue());
  }

  /** The figures of the last {@link count}. */
  get counts(): { waiting: number; dead: number; lateMs: number } {
    return this.#counts;
  }

  handle<Payload>(kind: JobKind<Payload>): void {
    if (this.#kinds.has(kind.name)) throw new Error(`two kinds of jobs are called ${kind.name}`);
    this.#parts.metrics.jobsHandled(kind.name);
    this.#kinds.set(kind.name, {
      ...kind,
      run: (payload, run) =>
        kind.run(kind.payload.parse(payload), { ...run, following: parsed(kind, run.following) }),
      onGivenUp: (payload, error) =>
        kind.onGivenUp?.(kind.payload.parse(payload), error) ?? Promise.resolve(),
    });
  }

  wake(): void {
    if (this.#isStarted) void this.poll();
  }

  /** Takes what is due, as far as there is room. A server calls it every half second. It never throws. */
  async poll(): Promise<void> {
    this.#isStarted = true;
    if (this.#isStopped || this.#parts.lifecycle.closing) return;
    try {
      await this.#renew();
      await this.#take();
    } catch (error) {
      this.#parts.log.warn({ err: error }, "jobs could not be taken; it will be tried again");
    }
  }

  /** Counts the jobs of all servers. Called about every 10 s. */
  async count(): Promise<void> {
    this.#counts = await countJobs(this.#parts.sql);
  }

  /** Removes jobs that were given up a week ago. Called about every 10 minutes. */
  async cleanUp(): Promise<void> {
    const { sql } = this.#parts;
    const removed = await inPages(cleanUpPageSize, (limit) => deleteDeadJobs(sql, deadDays, limit));
    if (removed > 0) this.#parts.log.debug({ removed }, "removed jobs that were given up");
  }

  /** Settles when nothing runs, and nothing is due that may run. Tests call it. */
  async idle(): Promise<void> {
    let ends = 0;
    do {
      await Promise.all(Array.from(this.#running.values(), ({ ended }) => ended));
      ends = this.#ends;
      await this.poll();
      // A run that has ended meanwhile may have held up another one, which this look has not found.
    } while (this.#running.size > 0 || this.#ends !== ends);
  }

  /**
   * Takes no more jobs, and leaves those that run `drainMs` to end. The others are aborted and given back, so that another server takes them
   * at once.
   */
  async stop(drainMs: number): Promise<void> {
    this.#isStopped = true;
    await this.#take().catch(() => undefined);
    const running = [...this.#running.values()];
    if (running.length === 0) return;
    await within(drainMs, Promise.all(running.map(({ ended }) => ended)));
    const left = [...this.#running.values()];
    if (left.length === 0) return;
    for (const { abort } of left) abort.abort(new Error("the server stops"));
    // They may note what they have done so far.
    await within(abortedMs, Promise.all(left.map(({ ended }) => ended)));
    const { sql, log } = this.#parts;
    const held = left.map(({ job }) => job);
    await giveBackJobs(sql, held).catch((error: unknown) =>
      log.warn({ err: error }, "jobs were not given back: they run again when their leases end"),
    );
  }

  async #takeDue(): Promise<void> {
    if (this.#isStopped) return;
    const wanted = Array.from(this.#kinds.values(), (kind) => ({
      kind: kind.name,
      limit: kind.concurrency - this.#countOf(kind.name),
      perLane: kind.perLane,
      following: (kind.batchMax ?? 1) - 1,
    })).filter(({ limit }) => limit > 0);
    if (wanted.length === 0) return;
    const taken = await takeJobs(this.#parts.sql, wanted, this.#leaseMs, this.#laneLoads());
    this.#isMore = wanted.length < this.#kinds.size;
    for (const { kind, limit } of wanted) {
      if (taken.filter((job) => job.kind === kind).length === limit) this.#isMore = true;
    }
    for (const job of taken) this.#start(job);
  }

  /** Renews the leases of the jobs that run, and ends those that another server has taken. */
  async #renew(): Promise<void> {
    const now = performance.now();
    // The leases of jobs that are taken next begin now.
    if (this.#running.size === 0) this.#renewedAt = now;
    if (now - this.#renewedAt < this.#leaseMs / 3) return;
    this.#renewedAt = now;
    const running = [...this.#running.values()];
    const jobs = running.map(({ job }) => job);
    const held = await renewJobs(this.#parts.sql, jobs, this.#leaseMs);
    for (const { job, abort } of running) {
      if (!held.has(job.id)) abort.abort(new JobLost("another server has taken the job"));
    }
  }

  #countOf(kind: string): number {
    let count = 0;
    for (const { job } of this.#running.values()) if (job.kind === kind) count += 1;
    return count;
  }

  #laneLoads(): LaneLoad[] {
    const loads = new Map<string, LaneLoad>();
    for (const { job } of this.#running.values()) {
      if (job.lane === null) continue;
      const key = `${job.kind} ${job.lane}`;
      const running = (loads.get(key)?.running ?? 0) + 1;
      loads.set(key, { kind: job.kind, lane: job.lane, running });
    }
    return [...loads.values()];
  }

  #start(job: TakenJob): void {
    const kind = this.#kinds.get(job.kind);
    if (!kind) return;
    // Its lease has ended here, before it was renewed.
    this.#running.get(job.id)?.abort.abort(new JobLost("the job was taken again"));
    const abort = new AbortController();
    const timer = setTimeout(() => abort.abort(new Error("the job took too long")), kind.timeoutMs);
    const ended = this.#run(kind, job, abort.signal).finally(() => {
      clearTimeout(timer);
      this.#ends += 1;
      if (this.#running.get(job.id)?.abort === abort) this.#running.delete(job.id);
      // It may have held up another one.
      if (this.#isMore || job.order_key !== null || job.lane !== null) this.wake();
    });
    this.#running.set(job.id, { job, abort, ended });
  }

  /** Never throws. */
  async #run(kind: JobKind<unknown>, job: TakenJob, signal: AbortSignal): Promise<void> {
    const triesMax = kind.retryMs.length + 1;
    const following = job.following.map(({ payload, attempts }) => ({
      payload,
      isLast: attempts + 1 >= triesMax,
    }));
    let done = 0;
    try {
      try {
        // A job that kills its server each time must end, too.
        if (job.attempts > triesMax)
          throw new JobRefused("the server that ran the job was killed each time");
        const { id, attempts } = job;
        const isLast = attempts >= triesMax;
        const note = (count: number) => (done = count);
        await kind.run(job.payload, { id, attempts, isLast, signal, following, done: note });
        done ||= 1;
      } catch (error) {
        // It was given back, or is another server's.
        if (signal.aborted && (this.#isStopped || signal.reason instanceof JobLost)) return;
        await noteFailure(this.#parts, kind, { job, done, error, leaseMs: this.#leaseMs });
        return;
      }
      await noteDone(this.#parts, kind, job, done);
    } catch (error) {
      const { log } = this.#parts;
      log.warn({ err: error, kind: kind.name }, "the end of a job was not noted; it runs again");
    }
  }
}

/** The reason of an aborted run whose job another server has. */
class JobLost extends Error {}

/** Returns the jobs up to the first whose payload does not fit the kind. That one is given up when it is taken as the first itself. */
function parsed<Payload>(
  { payload }: JobKind<Payload>,
  following: readonly FollowingJob<unknown>[],
): FollowingJob<Payload>[] {
  const jobs: FollowingJob<Payload>[] = [];
  for (const { payload: text, isLast } of following) {
    const { success, data } = payload.safeParse(text);
    if (!success) break;
    jobs.push({ payload: data, isLast });
  }
  return jobs;
}
