// Grouped reads: what many sockets ask for at about the same moment is read by one statement. A statement costs a server more
// than the rows that it reads, and after a restart thousands of sockets ask at once.
import { Problem } from "../wire/problems.ts";

/** The most statements that run at once. */
const statementsMax = 4;

export interface GroupReadsOptions {
  /** Most items in one statement. */
  sizeMax: number;
  /** Most items that may wait; a further one is refused with the problem `unavailable`. */
  queueMax: number;
  /** Milliseconds from the beginning of one statement to the next one, unless a whole group waits. */
  intervalMs?: number;
}

interface Waiting<Item, Result> {
  item: Item;
  resolve: (result: Result) => void;
  reject: (reason: unknown) => void;
}

export class GroupReads<Item, Result> {
  readonly #run: (items: Item[]) => Promise<Result[]>;
  readonly #options: Required<GroupReadsOptions>;
  #waiting: Waiting<Item, Result>[] = [];
  #inFlight = 0;
  #begunAt = -Infinity;
  /** When the items that wait need not wait for others any more. */
  #patientUntil = Infinity;
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** @param run returns one result for each item, in order */
  constructor(run: (items: Item[]) => Promise<Result[]>, options: GroupReadsOptions) {
    this.#run = run;
    this.#options = { intervalMs: 5, ...options };
  }

  /**
   * Reads an item: at once if no statement has begun a moment ago, or else together with the others of that moment.
   * @param patienceMs milliseconds that the item may wait for one that cannot wait
   * @throws Problem `unavailable` when the queue is full, and what `run` throws
   */
  add(item: Item, patienceMs = 0): Promise<Result> {
    if (this.#waiting.length >= this.#options.queueMax) {
      return Promise.reject(
        new Problem("unavailable", "The server is too busy right now. Try again in a moment.", {
          retryAfterSeconds: 1,
        }),
      );
    }
    const { promise, resolve, reject } = Promise.withResolvers<Result>();
    this.#waiting.push({ item, resolve, reject });
    this.#patientUntil = Math.min(this.#patientUntil, performance.now() + patienceMs);
    this.#drain();
    return promise;
  }

  #drain(): void {
    const { sizeMax, intervalMs } = this.#options;
    while (this.#waiting.length > 0 && this.#inFlight < statementsMax) {
      const now = performance.now();
      const dueInMs = Math.max(this.#begunAt + intervalMs, this.#patientUntil) - now;
      if (dueInMs > 0 && this.#waiting.length < sizeMax) return this.#drainIn(dueInMs);
      this.#begunAt = now;
      const group = this.#waiting.splice(0, sizeMax);
      this.#patientUntil = this.#waiting.length > 0 ? now : Infinity;
      void this.#read(group);
    }
  }

  #drainIn(ms: number): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#drain(), ms);
  }

  async #read(group: Waiting<Item, Result>[]): Promise<void> {
    this.#inFlight += 1;
    try {
      const results = await this.#run(group.map(({ item }) => item));
      if (results.length !== group.length) {
        throw new Error(`a group of ${group.length} items has ${results.length} results`);
      }
      group.forEach(({ resolve }, index) => resolve(results[index] as Result));
    } catch (error) {
      for (const { reject } of group) reject(error);
    }
    this.#inFlight -= 1;
    this.#drain();
  }
}
