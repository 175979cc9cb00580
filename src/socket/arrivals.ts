// Sockets that come at once, as after a restart, are opened a few at a time: what thousands of them ask for would stand before the
// messages of everybody who is there already.

/** Sockets that sign in at the same time. A lookup that takes 10 ms lets in 3,200 a second. */
const defaultRunningMax = 32;
/** A socket that signs in for longer lets the next one in: PostgreSQL may hang. */
const defaultRunningMs = 1_000;
/** Requests that wait. Further ones are refused: each takes some kilobytes of memory. */
const defaultWaitingMax = 20_000;

export class Arrivals {
  readonly #runningMax: number;
  readonly #runningMs: number;
  readonly #waitingMax: number;
  readonly #waiting: (() => void)[] = [];
  /** The place of the first one that waits. Those before it are removed together, since a removal moves all others. */
  #first = 0;
  #running = 0;

  /** @param limits tests have others */
  constructor({
    runningMax = defaultRunningMax,
    runningMs = defaultRunningMs,
    waitingMax = defaultWaitingMax,
  }: { runningMax?: number; runningMs?: number | undefined; waitingMax?: number } = {}) {
    this.#runningMax = runningMax;
    this.#runningMs = runningMs;
    this.#waitingMax = waitingMax;
  }

  /** Whether as many wait as may. */
  get isFull(): boolean {
    return this.#waiting.length - this.#first >= this.#waitingMax;
  }

  /** @returns lets the next socket in, of which only the first call counts; a promise of it if the socket has to wait for its turn */
  enter(): (() => void) | Promise<() => void> {
    if (this.#running < this.#runningMax) return this.#take();
    const { promise, resolve } = Promise.withResolvers<() => void>();
    this.#waiting.push(() => resolve(this.#take()));
    return promise;
  }

  #take(): () => void {
    this.#running += 1;
    let isIn = true;
    const leave = () => {
      if (!isIn) return;
      isIn = false;
      clearTimeout(timer);
      this.#running -= 1;
      this.#letIn();
    };
    const timer = setTimeout(leave, this.#runningMs).unref();
    return leave;
  }

  #letIn(): void {
    const next = this.#waiting[this.#first];
    if (!next) return;
    this.#first += 1;
    if (2 * this.#first >= this.#waiting.length) {
      this.#waiting.splice(0, this.#first);
      this.#first = 0;
    }
    next();
  }
}
