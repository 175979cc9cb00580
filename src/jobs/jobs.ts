// Work that runs later, in the background: its kinds, and the port that wakes the queue.
import type { z } from "zod";

/** A job behind the one that runs, with the same order key. */
export interface FollowingJob<Payload> {
  readonly payload: Payload;
  readonly isLast: boolean;
}

/** One run of a job. */
export interface JobRun<Payload = unknown> {
  readonly id: number;
  /** How often the job was taken, this time included. */
  readonly attempts: number;
  /** Whether a failure gives the job up. */
  readonly isLast: boolean;
  /**
   * Aborted after the time of the kind, when another server has taken the job, and when this server stops. A run that goes on regardless may
   * run twice at once.
   */
  readonly signal: AbortSignal;
  /** The due jobs behind this one, as far as the kind's `batchMax` allows. The run may do the first ones of them, in their order. */
  readonly following: readonly FollowingJob<Payload>[];
  /**
   * Says that the first `count` jobs of the run are done: this one, and those of `following` after it. If the run rejects, the one behind
   * them has failed. A run that never calls it does this job alone.
   */
  done(count: number): void;
}

/**
 * One kind of job. A job runs at least once: it runs again if its server was killed, or if the statement that notes its end was lost.
 */
export interface JobKind<Payload> {
  /** Up to 40 lower-case letters and underscores. */
  readonly name: string;
  /** A payload that does not fit is given up at once. */
  readonly payload: z.ZodType<Payload>;
  /** Jobs of this kind that a server runs at once. */
  readonly concurrency: number;
  /** Jobs of one lane that a server runs at once; undefined: as many as of the kind. */
  readonly perLane?: number | undefined;
  /** Jobs with one order key that one run may do; undefined: one. A job that was tried before is alone in its run. */
  readonly batchMax?: number | undefined;
  /** A run is aborted after this. */
  readonly timeoutMs: number;
  /**
   * Milliseconds between two tries: the first number is the wait after the first failure. A failure after the last wait gives the job up. A
   * random part of up to 20% is added.
   */
  readonly retryMs: readonly number[];
  /** Whether the payload says something about a person: it is removed when the job is given up. */
  readonly isPersonal?: boolean | undefined;
  /** Does the work. It rejects if the job has to be tried again, and throws {@link JobRefused} if no further try can succeed. */
  run(payload: Payload, run: JobRun<Payload>): Promise<void>;
  /** Called before a job is given up; if it rejects, the job is tried once more. It may be called twice. */
  onGivenUp?: ((payload: Payload, error: unknown) => Promise<void>) | undefined;
}

/** Thrown by a run whose job can never succeed. */
export class JobRefused extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "JobRefused";
  }
}

/** Thrown by a run whose job has to be tried again later than its kind says. It counts among the tries. */
export class JobLater extends Error {
  readonly afterMs: number;

  constructor(message: string, afterMs: number) {
    super(message);
    this.name = "JobLater";
    this.afterMs = afterMs;
  }
}

/** A job to be stored. */
export interface NewJob {
  readonly kind: string;
  /** Jobs with the same key run one after the other, in the order of their ids. Undefined: in any order, and at once. */
  readonly orderKey?: string | undefined;
  /** A server runs at most `perLane` jobs of a kind with the same lane at once, such as those of one person. */
  readonly lane?: string | undefined;
  /** Small, and without secrets: it is stored in plain text. */
  readonly payload: Readonly<Record<string, number | string | boolean | null>>;
  readonly afterMs?: number | undefined;
}

/** The queue, as actions see it. */
export interface Jobs {
  /**
   * Makes this server look for jobs now. An action calls it after the statement that stored a job, which also runs without: a server looks
   * every half second.
   */
  wake(): void;
  /** Adds a kind, before the queue is started. */
  handle<Payload>(kind: JobKind<Payload>): void;
}
