// Group commit: while one statement is in flight, the next callers gather and then go together.
// An idle batch runs at once, so nobody ever waits for a timer.
import { Problem } from "../wire/problems.ts";
import { databaseAway, isDatabaseAway } from "./connect.ts";

/** Runs one item, together with whatever else is waiting. Items are run in the order of the calls. */
export type Batch<Item, Result> = (item: Item) => Promise<Result>;

interface Waiting<Item, Result> {
  item: Item;
  resolve: (result: Result) => void;
  reject: (reason: unknown) => void;
}

/**
 * @param run must be atomic (all or nothing), and return one result for each item, in order
 * @param sizeMax items in one run at most
 * @param queueMax items that may wait; one more is refused with the problem `unavailable`
 */
export function createBatch<Item, Result>(
  run: (items: Item[]) => Promise<Result[]>,
  { sizeMax, queueMax }: { sizeMax: number; queueMax: number },
): Batch<Item, Result> {
  let queue: Waiting<Item, Result>[] = [];
  let running = false;

  async function drain() {
    running = true;
    while (queue.length > 0) {
      const group = queue.splice(0, sizeMax);
      await runGroup(group);
    }
    running = false;
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
      } else if (group.length === 1) {
        group[0]?.reject(error);
      } else {
        // The statement was rolled back for one item's sake: each stands alone now.
        for (const waiting of group) await runGroup([waiting]);
      }
    }
  }

  return (item) => {
    if (queue.length >= queueMax) {
      return Promise.reject(
        new Problem("unavailable", "The server is too busy right now. Try again in a moment.", {
          retryAfterSeconds: 1,
        }),
      );
    }
    const { promise, resolve, reject } = Promise.withResolvers<Result>();
    queue.push({ item, resolve, reject });
    if (!running) void drain();
    return promise;
  };
}
