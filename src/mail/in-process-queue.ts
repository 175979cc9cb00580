// Does the work that ends in mails in this process, one job after the other, with a bounded number of tries. What is left when the
// process ends is lost: a person asks for the mail once more.
import type { Logger } from "pino";
import type { Metrics } from "../observability/metrics/metrics.ts";
import type { MailJob, MailQueue } from "./mail.ts";

/** Jobs that may wait. Requests are limited so that they can hardly be as many. */
const waitingMax = 1_000;
/** Milliseconds before the second, third … try. After the last one the job is given up. */
const defaultRetryMs: readonly number[] = [1_000, 5_000, 30_000, 120_000];

export interface InProcessMailQueueOptions {
  /** Does a job; undefined: mails cannot be sent. */
  deliver: ((job: MailJob) => Promise<void>) | undefined;
  /** Closes the connections to the mail server. */
  close?: (() => void) | undefined;
  log: Logger;
  metrics: Pick<Metrics, "mailEnded">;
  retryMs?: readonly number[] | undefined;
}

interface Waiting {
  readonly job: MailJob;
  tries: number;
}

export class InProcessMailQueue implements MailQueue {
  readonly #options: InProcessMailQueueOptions;
  readonly #retryMs: readonly number[];
  readonly #waiting: Waiting[] = [];
  /** Jobs that wait for their next try. */
  readonly #timers = new Map<ReturnType<typeof setTimeout>, Waiting>();
  #running: Promise<void> | undefined;
  #isClosed = false;

  constructor(options: InProcessMailQueueOptions) {
    this.#options = options;
    this.#retryMs = options.retryMs ?? defaultRetryMs;
  }

  get isOn(): boolean {
    return this.#options.deliver !== undefined;
  }

  add(job: MailJob): void {
    if (!this.isOn || this.#isClosed) return;
    this.#push({ job, tries: 0 });
  }

  /** Settles when nothing runs and nothing waits, but for jobs that wait for their next try. */
  async idle(): Promise<void> {
    while (this.#running) await this.#running;
  }

  /** Takes no more jobs. Settles when those that wait are done; those that wait for their next try are given up. */
  async stop(): Promise<void> {
    this.#isClosed = true;
    for (const [timer, { job }] of this.#timers) {
      clearTimeout(timer);
      this.#giveUp(job, new Error("the server stops"));
    }
    this.#timers.clear();
    await this.idle();
    this.#options.close?.();
  }

  #push(waiting: Waiting): void {
    if (this.#waiting.length + this.#timers.size >= waitingMax) {
      this.#giveUp(waiting.job, new Error("too many mails wait"));
      return;
    }
    this.#waiting.push(waiting);
    this.#running ??= this.#run();
  }

  /** Never throws. */
  async #run(): Promise<void> {
    for (let next = this.#waiting.shift(); next; next = this.#waiting.shift()) {
      next.tries += 1;
      try {
        await this.#options.deliver?.(next.job);
        this.#options.metrics.mailEnded("sent");
      } catch (error) {
        this.#failed(next, error);
      }
    }
    this.#running = undefined;
  }

  #failed(waiting: Waiting, error: unknown): void {
    const delayMs = this.#retryMs[waiting.tries - 1];
    if (delayMs === undefined || this.#isClosed) {
      this.#giveUp(waiting.job, error);
      return;
    }
    const { kind } = waiting.job;
    this.#options.log.warn({ err: error, kind, delayMs }, "a mail failed; it will be tried again");
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      this.#push(waiting);
    }, delayMs);
    this.#timers.set(timer, waiting);
  }

  /** The log has no address: it would tell who has an account. */
  #giveUp({ kind }: MailJob, error: unknown): void {
    this.#options.metrics.mailEnded("failed");
    this.#options.log.error({ err: error, kind }, "a mail was given up");
  }
}
