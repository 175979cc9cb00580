// Grouped reads: what many sockets ask for at one moment is read by one statement instead of one for each. An idle queue reads
// at the end of the turn of the event loop; while statements are in flight, later items gather for the next one.
import { Problem } from "../wire/problems.ts";

export interface GroupReadsOptions {
  /** Most items in one statement. */
  sizeMax: number;
  /** Most items that may wait; a further one is refused with the problem `unavailable`. */
  queueMax: number;
  /** Most statements at once. */
  statementsMax?: number;
  /** Milliseconds after which a statement in flight no longer holds up the items that wait. */
  slowMs?: number;
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
  #turn: ReturnType<typeof setImmediate> | undefined;
  #slow: ReturnType<typeof setTimeout> | undefined;

  /** @param run returns one result for each item, in order */
  constructor(run: (items: Item[]) => Promise<Result[]>, options: GroupReadsOptions) {
    this.#run = run;
    this.#options = { statementsMax: 4, slowMs: 10, ...options };
  }

  /**
   * Reads an item together with others that wait.
   * @throws Problem `unavailable` when the queue is full, and what `run` throws
   */
  add(item: Item): Promise<Result> {
    if (this.#waiting.length >= this.#options.queueMax) {
      return Promise.reject(
        new Problem("unavailable", "The server is too busy right now. Try again in a moment.", {
          retryAfterSeconds: 1,
        }),
      );
    }
    const { promise, resolve, reject } = Promise.withResolvers<Result>();
    this.#waiting.push({ item, resolve, reject });
    this.#turn ??= setImmediate(() => {
      this.#turn = undefined;
      this.#drain();
    });
    return promise;
  }

  /** Begins the statements whose turn it is. A second one is begun only for a full group, or when the first one is slow. */
  #drain(): void {
    const { sizeMax, statementsMax, slowMs } = this.#options;
    while (this.#waiting.length > 0 && this.#inFlight < statementsMax) {
      if (this.#inFlight > 0 && this.#waiting.length < sizeMax) {
        this.#slow ??= setTimeout(() => {
          this.#slow = undefined;
          if (this.#waiting.length > 0 && this.#inFlight < statementsMax) this.#begin();
        }, slowMs);
        return;
      }
      this.#begin();
    }
  }

  #begin(): void {
    clearTimeout(this.#slow);
    this.#slow = undefined;
    void this.#read(this.#waiting.splice(0, this.#options.sizeMax));
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
