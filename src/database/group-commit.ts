// Group commit: while one statement is in flight, the next callers gather and then go together.
// An idle batch runs at once, so nobody ever waits for a timer.
// What somebody keeps locked must not hold up the rest: a group that gave up waiting for a lock goes on in lines aside,
// one for each key, until nothing waits there any more.
import { Problem } from "../wire/problems.ts";
import { databaseAway, isDatabaseAway, isLocked } from "./connect.ts";

export interface Batch<Item, Result> {
  /** Runs one item, together with whatever else is waiting. */
  (item: Item): Promise<Result>;
  /** Items that wait, without those that run. */
  waitingCount(): number;
}

interface Waiting<Item, Result> {
  item: Item;
  since: number;
  resolve: (result: Result) => void;
  reject: (reason: unknown) => void;
}

interface Line<Item, Result> {
  /** Undefined for the line that all items take at first. */
  key: number | undefined;
  queue: Waiting<Item, Result>[];
  running: boolean;
}

/**
 * @param run must be atomic (all or nothing), and return one result for each item, in order
 * @param keyOf what an item may find locked
 * @param sizeMax items in one run at most
 * @param queueMax items that may wait; one more is refused with the problem `unavailable`
 * @param onGroup is told of each group that has run, with the milliseconds that its first item had waited, and that it took
 */
export function createBatch<Item, Result>(
  run: (items: Item[]) => Promise<Result[]>,
  {
    keyOf,
    sizeMax,
    queueMax,
    onGroup = () => {},
  }: {
    keyOf: (item: Item) => number;
    sizeMax: number;
    queueMax: number;
    onGroup?: (size: number, waitedMs: number, ms: number) => void;
  },
): Batch<Item, Result> {
  const common = newLine(undefined);
  const aside = new Map<number, Line<Item, Result>>();
  let waitingCount = 0;

  function newLine(key: number | undefined): Line<Item, Result> {
    return { key, queue: [], running: false };
  }

  function lineOf({ item }: Waiting<Item, Result>) {
    return aside.get(keyOf(item)) ?? common;
  }

  async function drain(line: Line<Item, Result>) {
    if (line.running) return;
    line.running = true;
    while (line.queue.length > 0) {
      const group = line.queue.splice(0, sizeMax);
      waitingCount -= group.length;
      const startedAt = performance.now();
      await runGroup(group);
      const waitedMs = startedAt - (group[0]?.since ?? startedAt);
      onGroup(group.length, waitedMs, performance.now() - startedAt);
    }
    line.running = false;
    if (line.key !== undefined) aside.delete(line.key);
  }

  async function runGroup(group: Waiting<Item, Result>[]) {
    try {
      const results = await run(group.map(({ item }) => item));
      if (results.length !== group.length) throw new Error("a batch lost count of its items");
      group.forEach(({ resolve }, index) => resolve(results[index] as Result));
    } catch (error) {
      // Whether a statement whose reply was lost has committed is unknown: running it again could store it twice.
      if (isDatabaseAway(error)) {
        for (const { reject } of group) reject(databaseAway(error));
      } else if (isLocked(error)) {
        setAside(group, error);
      } else if (group.length === 1) {
        group[0]?.reject(error);
      } else {
        // The statement was rolled back for one item's sake: each stands alone now.
        for (const waiting of group) await runGroup([waiting]);
      }
    }
  }

  /** Only of a group with a single key it is known what was locked. */
  function setAside(group: Waiting<Item, Result>[], error: unknown) {
    const keys = new Set(group.map(({ item }) => keyOf(item)));
    const again = keys.size > 1 ? group : [];
    if (keys.size === 1) for (const { reject } of group) reject(error);
    waitingCount += again.length;
    const lines = Array.from(keys, (key) => aside.getOrInsertComputed(key, newLine));
    for (const waiting of [...again, ...common.queue.splice(0)])
      lineOf(waiting).queue.push(waiting);
    for (const line of lines) void drain(line);
  }

  function add(item: Item): Promise<Result> {
    if (waitingCount >= queueMax) {
      return Promise.reject(
        new Problem("unavailable", "The server is too busy right now. Try again in a moment.", {
          retryAfterSeconds: 1,
        }),
      );
    }
    const { promise, resolve, reject } = Promise.withResolvers<Result>();
    const waiting = { item, since: performance.now(), resolve, reject };
    const line = lineOf(waiting);
    line.queue.push(waiting);
    waitingCount += 1;
    void drain(line);
    return promise;
  }

  return Object.assign(add, { waitingCount: () => waitingCount });
}
