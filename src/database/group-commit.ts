// Group commit: while one statement is in flight, later items gather and are committed together by the next one.
// An idle queue commits at once, so no item waits for a timer.
// A group that gave up waiting for a lock is split: each of its keys gets a queue of its own until that is empty, so that
// one locked key doesn't delay the others.
import { Problem } from "../wire/problems.ts";
import { databaseAway, isDatabaseAway, isLocked } from "./connect.ts";

export interface GroupCommitOptions<Item> {
  /** The key of the rows that an item locks. */
  keyOf: (item: Item) => number;
  /** Most items in one group. */
  sizeMax: number;
  /** Most items that may wait; a further one is refused with the problem `unavailable`. */
  queueMax: number;
  /** Called after each group with its size, the milliseconds that its first item had waited, and its duration. */
  onGroup?: (size: number, waitedMs: number, ms: number) => void;
}

interface Waiting<Item, Result> {
  item: Item;
  since: number;
  resolve: (result: Result) => void;
  reject: (reason: unknown) => void;
}

interface Queue<Item, Result> {
  /** Undefined for the queue that all keys share. */
  key: number | undefined;
  waiting: Waiting<Item, Result>[];
  running: boolean;
}

export class GroupCommit<Item, Result> {
  readonly #run: (items: Item[]) => Promise<Result[]>;
  readonly #options: GroupCommitOptions<Item>;
  readonly #shared: Queue<Item, Result> = newQueue(undefined);
  readonly #ofKeys = new Map<number, Queue<Item, Result>>();
  #waitingCount = 0;

  /** @param run must be atomic (all or nothing), and return one result for each item, in order */
  constructor(run: (items: Item[]) => Promise<Result[]>, options: GroupCommitOptions<Item>) {
    this.#run = run;
    this.#options = options;
  }

  /** Items that wait, without those in flight. */
  get waitingCount(): number {
    return this.#waitingCount;
  }

  /**
   * Commits an item together with others that wait.
   * @returns its result
   * @throws Problem `unavailable` when the queue is full or the database is away, and what `run` throws for this item
   */
  add(item: Item): Promise<Result> {
    if (this.#waitingCount >= this.#options.queueMax) {
      return Promise.reject(
        new Problem("unavailable", "The server is too busy right now. Try again in a moment.", {
          retryAfterSeconds: 1,
        }),
      );
    }
    const { promise, resolve, reject } = Promise.withResolvers<Result>();
    const waiting = { item, since: performance.now(), resolve, reject };
    const queue = this.#queueOf(waiting);
    queue.waiting.push(waiting);
    this.#waitingCount += 1;
    void this.#drain(queue);
    return promise;
  }

  #queueOf({ item }: Waiting<Item, Result>): Queue<Item, Result> {
    return this.#ofKeys.get(this.#options.keyOf(item)) ?? this.#shared;
  }

  async #drain(queue: Queue<Item, Result>): Promise<void> {
    if (queue.running) return;
    queue.running = true;
    let settle = () => {};
    while (queue.waiting.length > 0) {
      const group = queue.waiting.splice(0, this.#options.sizeMax);
      this.#waitingCount -= group.length;
      const startedAt = performance.now();
      const committing = this.#commit(group);
      // The database must not wait while the results of the group before are handled, which takes as long as a statement.
      settle();
      settle = await committing;
      const waitedMs = startedAt - (group[0]?.since ?? startedAt);
      this.#options.onGroup?.(group.length, waitedMs, performance.now() - startedAt);
    }
    settle();
    queue.running = false;
    if (queue.key !== undefined) this.#ofKeys.delete(queue.key);
  }

  /** @returns a function that gives the items their results */
  async #commit(group: Waiting<Item, Result>[]): Promise<() => void> {
    try {
      const results = await this.#run(group.map(({ item }) => item));
      if (results.length !== group.length) {
        throw new Error(`a group of ${group.length} items has ${results.length} results`);
      }
      return () => group.forEach(({ resolve }, index) => resolve(results[index] as Result));
    } catch (error) {
      // Whether a statement whose reply was lost has committed is unknown: running it again could store it twice.
      if (isDatabaseAway(error)) {
        return () => group.forEach(({ reject }) => reject(databaseAway(error)));
      }
      if (isLocked(error)) return this.#splitByKey(group, error);
      if (group.length === 1) return () => group[0]?.reject(error);
      // One item made the statement fail for all: each is committed alone now.
      for (const waiting of group) (await this.#commit([waiting]))();
      return () => {};
    }
  }

  /**
   * The group's keys get queues of their own. Only of a group with a single key is it known which one is locked.
   * @returns a function that refuses the items that are not tried again
   */
  #splitByKey(group: Waiting<Item, Result>[], error: unknown): () => void {
    const keys = new Set(group.map(({ item }) => this.#options.keyOf(item)));
    const again = keys.size > 1 ? group : [];
    this.#waitingCount += again.length;
    const queues = Array.from(keys, (key) =>
      this.#ofKeys.getOrInsertComputed(key, newQueue<Item, Result>),
    );
    for (const waiting of [...again, ...this.#shared.waiting.splice(0)]) {
      this.#queueOf(waiting).waiting.push(waiting);
    }
    for (const queue of queues) void this.#drain(queue);
    return () => {
      if (keys.size === 1) for (const { reject } of group) reject(error);
    };
  }
}

function newQueue<Item, Result>(key: number | undefined): Queue<Item, Result> {
  return { key, waiting: [], running: false };
}
