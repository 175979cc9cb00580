/** Lets a few tasks run at once and a limited number wait, first come, first served. */
export class Semaphore {
  readonly #runningMax: number;
  readonly #waitingMax: number;
  readonly #refusal: () => Error;
  readonly #waiting: (() => void)[] = [];
  #running = 0;

  /**
   * @param limits `runningMax` tasks run at once, `waitingMax` may wait
   * @param refusal makes the error of a task that comes when as many wait as may
   */
  constructor(limits: { runningMax: number; waitingMax: number }, refusal: () => Error) {
    this.#runningMax = limits.runningMax;
    this.#waitingMax = limits.waitingMax;
    this.#refusal = refusal;
  }

  /** Tasks that wait for a slot. */
  get waitingCount(): number {
    return this.#waiting.length;
  }

  /** Runs a task as soon as a slot is free. @throws the refusal, and whatever the task throws */
  async run<T>(task: () => Promise<T>): Promise<T> {
    if (this.#running >= this.#runningMax) {
      if (this.#waiting.length >= this.#waitingMax) throw this.#refusal();
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    } else {
      this.#running += 1;
    }
    try {
      return await task();
    } finally {
      // The slot goes to the task that has waited longest, so that a new one cannot overtake it.
      const next = this.#waiting.shift();
      if (next) next();
      else this.#running -= 1;
    }
  }
}
