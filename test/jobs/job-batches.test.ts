// Runs that do the jobs behind the one that they were started for, too.
import { describe, expect, test } from "bun:test";
import type { JobRun } from "../../src/jobs/jobs.ts";
import { useQueues, type Payload } from "./use-queues.ts";

const { world, kindOf, queueOf, add, rows } = useQueues();

const ns = (n: number, { following }: JobRun<Payload>) => [
  n,
  ...following.map(({ payload }) => payload.n),
];

/** A kind whose runs do all that they are given. @param runs gets the jobs of each run */
function batchKind(runs: number[][], batchMax = 3) {
  return kindOf(
    async (n, run) => {
      runs.push(ns(n, run));
      run.done(1 + run.following.length);
    },
    { batchMax },
  );
}

describe("a run of a kind with batches", () => {
  test("does the jobs behind its own, of one order key, up to the limit", async () => {
    const runs: number[][] = [];
    const ends: string[] = [];
    const kind = batchKind(runs);
    const queue = queueOf(kind, (_, outcome) => ends.push(outcome));
    for (let n = 0; n < 5; n += 1) await add(kind, n, { orderKey: "key" });
    await add(kind, 5, { orderKey: "other" });
    await add(kind, 6);
    await queue.idle();
    expect(runs).toContainEqual([0, 1, 2]);
    expect(runs).toContainEqual([3, 4]);
    expect(runs).toContainEqual([5]);
    expect(runs).toContainEqual([6]);
    expect(ends).toEqual(Array.from({ length: 7 }, () => "done"));
    expect(await rows()).toHaveLength(0);
  });

  test("is given none of another kind, none that is due later, and none of what follows", async () => {
    const runs: number[][] = [];
    const kind = batchKind(runs, 10);
    const queue = queueOf(kind);
    const other = kindOf(() => Promise.resolve());
    await add(kind, 1, { orderKey: "later" });
    await add(kind, 2, { orderKey: "later", afterMs: 60_000 });
    await add(kind, 3, { orderKey: "later" });
    await add(kind, 4, { orderKey: "mixed" });
    await add(other, 5, { orderKey: "mixed" });
    await add(kind, 6, { orderKey: "mixed" });
    await queue.idle();
    expect(runs.toSorted()).toEqual([[1], [4]]);
  });

  test("that does its own job only leaves the others", async () => {
    const runs: number[][] = [];
    const kind = kindOf(async (n, run) => void runs.push(ns(n, run)), { batchMax: 3 });
    for (const n of [1, 2, 3]) await add(kind, n, { orderKey: "key" });
    await queueOf(kind).idle();
    expect(runs).toEqual([[1, 2, 3], [2, 3], [3]]);
  });

  test("that fails in the middle has that job tried again, after those before it and before those behind it", async () => {
    const runs: number[][] = [];
    const ends: string[] = [];
    const kind = kindOf(
      async (n, run) => {
        runs.push(ns(n, run));
        run.done(2);
        throw new Error("the third one");
      },
      { batchMax: 10, retryMs: [60_000] },
    );
    const queue = queueOf(kind, (_, outcome) => ends.push(outcome));
    for (const n of [1, 2, 3, 4]) await add(kind, n, { orderKey: "key" });
    await queue.idle();
    expect(runs).toEqual([[1, 2, 3, 4]]);
    expect(ends).toEqual(["done", "done", "retried"]);
    expect([...(await rows())]).toMatchObject([
      { payload: { n: 3 }, attempts: 1, is_running: false, is_later: true, error: "Error" },
      { payload: { n: 4 }, attempts: 0, is_running: false, is_later: true },
    ]);
  });

  test("knows which of the jobs behind its own has its last try, which gives that one up", async () => {
    const lasts: boolean[][] = [];
    const givenUp: number[] = [];
    const kind = kindOf(
      async (n, run) => {
        lasts.push([run.isLast, ...run.following.map(({ isLast }) => isLast)]);
        if (n === 3) return;
        run.done(1);
        throw new Error("the second one");
      },
      { batchMax: 10, retryMs: [1], onGivenUp: async ({ n }) => void givenUp.push(n) },
    );
    for (const n of [1, 2, 3]) await add(kind, n, { orderKey: "key" });
    await world.sql`update jobs set attempts = 1 where payload = '{"n": 2}'`;
    await queueOf(kind).idle();
    expect(lasts).toEqual([[false, true, false], [false]]);
    expect(givenUp).toEqual([2]);
    expect([...(await rows())]).toMatchObject([{ payload: { n: 2 }, is_dead: true, attempts: 2 }]);
  });

  test("is alone with a job that was tried before, which may be the one that kills its server", async () => {
    const runs: number[][] = [];
    const kind = batchKind(runs);
    for (const n of [1, 2, 3]) await add(kind, n, { orderKey: "key" });
    await world.sql`update jobs set attempts = 1 where payload = '{"n": 1}'`;
    await queueOf(kind).idle();
    expect(runs).toEqual([[1], [2, 3]]);
  });

  test("holds all of its jobs: no other server takes one of them meanwhile", async () => {
    const slow = Promise.withResolvers<void>();
    const runs: number[][] = [];
    const kind = kindOf(
      async (n, run) => {
        runs.push(ns(n, run));
        await slow.promise;
        run.done(1 + run.following.length);
      },
      { batchMax: 3 },
    );
    const [queue, other] = [queueOf(kind), queueOf(kind)];
    for (const n of [1, 2, 3, 4]) await add(kind, n, { orderKey: "key" });
    await queue.poll();
    await other.idle();
    expect(runs).toEqual([[1, 2, 3]]);
    slow.resolve();
    await queue.idle();
    await other.idle();
    expect(runs).toEqual([[1, 2, 3], [4]]);
  });

  test.each([true, false])(
    "changes nothing of its jobs once another server has them (failed: %p)",
    async (hasFailed) => {
      const slow = Promise.withResolvers<void>();
      const kind = kindOf(
        async (_, run) => {
          await slow.promise;
          run.done(2);
          if (hasFailed) throw new Error("the third one");
        },
        { batchMax: 3 },
      );
      const queue = queueOf(kind);
      for (const n of [1, 2, 3]) await add(kind, n, { orderKey: "key" });
      await queue.poll();
      await world.sql`update jobs set attempts = attempts + 1, due_at = now() + interval '1 hour' where is_running`;
      slow.resolve();
      await queue.idle();
      expect([...(await rows())]).toMatchObject([
        { payload: { n: 1 }, attempts: 2, is_running: true },
        { payload: { n: 2 }, attempts: 0, is_running: false },
        { payload: { n: 3 }, attempts: 0, is_running: false },
      ]);
    },
  );

  test("may note what it has done when its server stops, before another server takes its jobs", async () => {
    const steps: string[] = [];
    const noting = Promise.withResolvers<void>();
    const kind = kindOf(
      async (_, { signal }) => {
        await new Promise((resolve) => signal.addEventListener("abort", resolve));
        // Time in which the job would be given back.
        await world.sql`select pg_sleep(0.05)`;
        const [row] = await world.sql`select is_running from jobs order by id`;
        steps.push(`noted while it was held: ${row?.is_running}`);
        noting.resolve();
        signal.throwIfAborted();
      },
      { batchMax: 3 },
    );
    const queue = queueOf(kind);
    for (const n of [1, 2]) await add(kind, n, { orderKey: "key" });
    await queue.poll();
    await queue.stop(1);
    await noting.promise;
    expect(steps).toEqual(["noted while it was held: true"]);
    expect([...(await rows())]).toMatchObject([
      { attempts: 0, is_running: false, is_later: false },
      { attempts: 0, is_running: false, is_later: false },
    ]);
  });
});
