import { describe, expect, test } from "bun:test";
import { JobRefused, type JobKind } from "../../src/jobs/jobs.ts";
import { addJob, countJobs, hurryJobs, insertJob } from "../../src/jobs/queries.ts";
import { takeJobs } from "../../src/jobs/taking-queries.ts";
import { useQueues, type Payload } from "./use-queues.ts";

const { world, log, kindOf, queueOf, add, rows } = useQueues();

test("a job is stored with the statement that causes it, or not at all", async () => {
  const ran: number[] = [];
  const kind = kindOf(async (n) => void ran.push(n));
  const queue = queueOf(kind);
  const { sql } = world;
  const cause = (divisor: number) => sql`
    with made as materialized (select 12 / ${divisor}::int as n),
    stored as (${insertJob(sql, { kind: kind.name, payload: sql`jsonb_build_object('n', made.n)` }, sql`from made`)})
    select n from made
  `;
  await expect(cause(0).then((found) => found.length)).rejects.toThrow("division by zero");
  await cause(4);
  await queue.idle();
  expect(ran).toEqual([3]);
  expect(await rows()).toHaveLength(0);
});

test("of several servers one runs a job, once", async () => {
  const ran: number[] = [];
  const kind = kindOf(async (n) => void ran.push(n));
  const servers = [1, 2, 3].map(() => queueOf(kind));
  const ns = Array.from({ length: 60 }, (_, n) => n);
  await Promise.all(ns.map((n) => add(kind, n)));
  await Promise.all(servers.map((server) => server.idle()));
  expect(ran.toSorted((a, b) => a - b)).toEqual(ns);
});

describe("jobs with one order key", () => {
  test("run one after the other, in their order, on any server, and after failures too", async () => {
    const ran: number[] = [];
    let atOnce = 0;
    let tries = 0;
    const kind = kindOf(async (n) => {
      atOnce += 1;
      expect(atOnce).toBe(1);
      await Bun.sleep(0);
      atOnce -= 1;
      tries += 1;
      if (tries % 3 === 0) throw new Error("not now");
      ran.push(n);
    });
    const servers = [queueOf(kind), queueOf(kind)];
    for (let n = 0; n < 12; n += 1) await add(kind, n, { orderKey: "one" });
    while (ran.length < 12) await Promise.all(servers.map((server) => server.idle()));
    expect(ran).toEqual(Array.from({ length: 12 }, (_, n) => n));
  });

  test("are not due before the one that they wait for", async () => {
    const kind = kindOf(() => Promise.reject(new Error("not now")), { retryMs: [60_000] });
    const queue = queueOf(kind);
    for (const n of [1, 2]) await add(kind, n, { orderKey: "key" });
    await add(kind, 3, { orderKey: "other", afterMs: 60_000 });
    await queue.idle();
    expect((await rows()).map(({ attempts, is_later }) => [attempts, is_later])).toEqual([
      [1, true],
      [0, true],
      [0, true],
    ]);
    const { sql } = world;
    await hurryJobs(sql, sql`'key'`, sql``);
    expect((await rows()).map(({ is_later }) => is_later)).toEqual([false, false, true]);
  });

  test("hold up no others", async () => {
    const ran: number[] = [];
    const slow = Promise.withResolvers<void>();
    const second = Promise.withResolvers<void>();
    const kind = kindOf(async (n) => {
      if (n === 0) await slow.promise;
      ran.push(n);
      if (n === 3) second.resolve();
    });
    const queue = queueOf(kind);
    for (const n of [0, 1]) await add(kind, n, { orderKey: "slow" });
    for (const n of [2, 3]) await add(kind, n, { orderKey: "fast" });
    await queue.poll();
    await second.promise;
    expect(ran).toEqual([2, 3]);
    slow.resolve();
    await queue.idle();
    expect(ran).toEqual([2, 3, 0, 1]);
  });

  test("take turns, so that old backlogs leave room for a new key", async () => {
    const ran: number[] = [];
    const kind = kindOf(async (n) => void ran.push(n), { concurrency: 2 });
    for (const n of [0, 1, 2, 3, 4, 5]) await add(kind, n, { orderKey: `old ${n % 2}` });
    await add(kind, 100, { orderKey: "new" });
    await queueOf(kind).idle();
    expect(ran.indexOf(100)).toBeLessThan(4);
    expect(ran.filter((n) => n < 6).filter((n) => n % 2 === 0)).toEqual([0, 2, 4]);
  });

  test("take turns after one was given up, too", async () => {
    const ran: number[] = [];
    const kind = kindOf(
      async (n) => {
        ran.push(n);
        if (n === 0) throw new JobRefused("no");
      },
      { concurrency: 1, isPersonal: true },
    );
    for (const n of [0, 1]) await add(kind, n, { orderKey: "old" });
    await add(kind, 100, { orderKey: "new" });
    await queueOf(kind).idle();
    expect(ran).toEqual([0, 100, 1]);
  });
});

describe("jobs of one lane", () => {
  test("take so many places of a kind at once as it says, and leave the others to other lanes", async () => {
    const slow = Promise.withResolvers<void>();
    const others = Promise.withResolvers<void>();
    const ran: number[] = [];
    let running = 0;
    let most = 0;
    const kind = kindOf(
      async (n) => {
        if (n < 20) {
          running += 1;
          most = Math.max(most, running);
          await slow.promise;
          running -= 1;
        }
        ran.push(n);
        if (ran.length === 4) others.resolve();
      },
      { concurrency: 4, perLane: 2 },
    );
    const queue = queueOf(kind);
    // There are more jobs than one look reaches.
    for (let n = 0; n < 20; n += 1) await add(kind, n, { lane: "slow" });
    for (const n of [100, 101, 102]) await add(kind, n, { lane: "other" });
    await add(kind, 103);
    await queue.poll();
    await queue.poll();
    await others.promise;
    expect(ran.toSorted((a, b) => a - b)).toEqual([100, 101, 102, 103]);
    expect(running).toBe(2);
    slow.resolve();
    await queue.idle();
    expect(most).toBe(2);
    expect(ran).toHaveLength(24);
  });

  test("of another kind do not count", async () => {
    const slow = Promise.withResolvers<void>();
    const done = Promise.withResolvers<void>();
    const kind = kindOf(() => slow.promise, { perLane: 1 });
    const other = kindOf(async () => done.resolve(), { perLane: 1 });
    const queue = queueOf(kind);
    queue.handle(other);
    await add(kind, 1, { lane: "ann" });
    await queue.poll();
    await add(other, 2, { lane: "ann" });
    await queue.poll();
    await done.promise;
    slow.resolve();
    await queue.idle();
    expect(await rows()).toHaveLength(0);
  });
});

describe("a job that fails", () => {
  test("is tried again after growing waits, and given up after the last one", async () => {
    const outcomes: string[] = [];
    const givenUp: number[] = [];
    const kind = kindOf(() => Promise.reject(new TypeError("with a secret")), {
      onGivenUp: async ({ n }) => void givenUp.push(n),
    });
    const queue = queueOf(kind, (_, outcome) => outcomes.push(outcome));
    await add(kind, 7);
    while (!(await rows())[0]?.is_dead) await queue.idle();
    expect(outcomes).toEqual(["retried", "retried", "dead"]);
    expect(givenUp).toEqual([7]);
    expect([...(await rows())]).toMatchObject([
      { attempts: 3, is_dead: true, error: "TypeError", payload: { n: 7 } },
    ]);
    expect(await countJobs(world.sql)).toMatchObject({ waiting: 0, dead: 1 });
    await log.find({ msg: "a job was given up", kind: kind.name });
    await queue.idle();
    expect(outcomes).toHaveLength(3);
  });

  test("waits for its next try", async () => {
    const kind = kindOf(() => Promise.reject(new Error("not now")), { retryMs: [60_000] });
    const queue = queueOf(kind);
    await add(kind, 1);
    await queue.idle();
    expect([...(await rows())]).toMatchObject([
      { attempts: 1, is_running: false, is_dead: false, is_later: true },
    ]);
  });

  test("for good is given up at once, and its personal payload is removed", async () => {
    const kind = kindOf(() => Promise.reject(new JobRefused("nobody is there")), {
      isPersonal: true,
    });
    const queue = queueOf(kind);
    await add(kind, 1, { orderKey: "person" });
    await queue.idle();
    expect([...(await rows())]).toMatchObject([
      { attempts: 1, is_dead: true, error: "nobody is there", payload: {} },
    ]);
  });

  test("because its payload is of another version is given up", async () => {
    const kind = kindOf(() => Promise.resolve());
    const queue = queueOf(kind);
    await addJob(world.sql, { kind: kind.name, payload: { other: "x" } });
    await queue.idle();
    expect([...(await rows())]).toMatchObject([{ is_dead: true, error: "ZodError" }]);
  });

  test("is kept for a week, and then removed", async () => {
    const kind = kindOf(() => Promise.reject(new JobRefused("no")));
    const queue = queueOf(kind);
    await add(kind, 1);
    await queue.idle();
    await queue.cleanUp();
    expect(await rows()).toHaveLength(1);
    await world.sql`update jobs set dead_at = now() - interval '8 days'`;
    await world.sql`
      insert into jobs (kind, payload, dead_at)
      select kind, payload, dead_at from jobs, generate_series(1, 2500)
    `;
    await queue.cleanUp();
    expect(await rows()).toHaveLength(0);
  });
});

describe("a job whose server was killed", () => {
  const take = (kind: JobKind<Payload>) =>
    takeJobs(world.sql, [{ kind: kind.name, limit: 1 }], 60_000);

  test("is left alone during its lease, and runs elsewhere afterwards", async () => {
    const ran: number[] = [];
    const kind = kindOf(async (n) => void ran.push(n));
    const queue = queueOf(kind);
    await add(kind, 5, { orderKey: "key" });
    await add(kind, 6, { orderKey: "key" });
    expect(await take(kind)).toHaveLength(1);
    await queue.idle();
    expect(ran).toEqual([]);
    await world.sql`update jobs set due_at = now() where is_running`;
    await queue.idle();
    expect(ran).toEqual([5, 6]);
  });

  test("is given up if that happens each time", async () => {
    const kind = kindOf(() => Promise.resolve());
    const queue = queueOf(kind);
    await add(kind, 5);
    for (let n = 0; n < 3; n += 1) {
      expect(await take(kind)).toHaveLength(1);
      await world.sql`update jobs set due_at = now()`;
    }
    await queue.idle();
    expect([...(await rows())]).toMatchObject([{ is_dead: true, attempts: 4 }]);
  });

  test("is not removed by a run whose lease has ended", async () => {
    const slow = Promise.withResolvers<void>();
    const kind = kindOf(() => slow.promise);
    const queue = queueOf(kind);
    await add(kind, 5);
    await queue.poll();
    await world.sql`update jobs set due_at = now()`;
    expect(await take(kind)).toHaveLength(1);
    slow.resolve();
    await queue.idle();
    expect([...(await rows())]).toMatchObject([{ attempts: 2, is_running: true }]);
  });
});

test("the lease of a job that runs long is renewed", async () => {
  const slow = Promise.withResolvers<void>();
  const kind = kindOf(() => slow.promise);
  const [runs, other] = [queueOf(kind, () => {}, 1_500), queueOf(kind)];
  await add(kind, 5);
  await runs.poll();
  const leaseOf = async () =>
    Number((await world.sql`select extract(epoch from due_at) as at from jobs`)[0]?.at);
  const before = await leaseOf();
  while ((await leaseOf()) === before) await runs.poll();
  await world.sql`update jobs set due_at = now() + interval '1 hour'`;
  await other.idle();
  expect([...(await rows())]).toMatchObject([{ attempts: 1, is_running: true }]);
  slow.resolve();
  await runs.idle();
  expect(await rows()).toHaveLength(0);
});

test("a run that lost its job to another server is aborted", async () => {
  const aborted = Promise.withResolvers<void>();
  const kind = kindOf((_, { signal }) => {
    signal.addEventListener("abort", () => aborted.resolve());
    return aborted.promise;
  });
  const queue = queueOf(kind, () => {}, 3);
  await add(kind, 5);
  await queue.poll();
  await world.sql`update jobs set attempts = attempts + 1, due_at = now() + interval '1 hour'`;
  const watching = setInterval(() => void queue.poll(), 5);
  await aborted.promise;
  clearInterval(watching);
  expect([...(await rows())]).toMatchObject([{ attempts: 2, is_running: true }]);
});

test("a run whose lease has ended on its own server makes way for the next one", async () => {
  let runs = 0;
  const kind = kindOf(async (_, { signal }) => {
    runs += 1;
    if (runs > 1) return;
    await new Promise((resolve) => signal.addEventListener("abort", resolve));
    signal.throwIfAborted();
  });
  const queue = queueOf(kind);
  await add(kind, 5);
  await queue.poll();
  await world.sql`update jobs set due_at = now()`;
  await queue.poll();
  await queue.idle();
  expect(runs).toBe(2);
  expect(await rows()).toHaveLength(0);
});

describe("a server that stops", () => {
  test("lets jobs that run end, and takes no more", async () => {
    const slow = Promise.withResolvers<void>();
    const ran: number[] = [];
    const kind = kindOf(async (n) => {
      await slow.promise;
      ran.push(n);
    });
    const queue = queueOf(kind, () => {});
    await add(kind, 1);
    await queue.poll();
    const stopped = queue.stop(60_000);
    await add(kind, 2);
    await queue.poll();
    slow.resolve();
    await stopped;
    expect(ran).toEqual([1]);
    expect([...(await rows())]).toMatchObject([{ attempts: 0, payload: { n: 2 } }]);
  });

  test("aborts jobs that take too long, and gives them back without counting the try", async () => {
    const aborted = Promise.withResolvers<void>();
    const kind = kindOf((_, { signal }) => {
      signal.addEventListener("abort", () => aborted.resolve());
      return new Promise(() => {});
    });
    const queue = queueOf(kind);
    await add(kind, 1);
    await queue.poll();
    await queue.stop(1);
    await aborted.promise;
    expect([...(await rows())]).toMatchObject([
      { attempts: 0, is_running: false, is_later: false },
    ]);
    const ran: number[] = [];
    await queueOf({ ...kind, run: async ({ n }) => void ran.push(n) }).idle();
    expect(ran).toEqual([1]);
  });
});

test("a server runs so many jobs of a kind at once", async () => {
  const slow = Promise.withResolvers<void>();
  let running = 0;
  let most = 0;
  const kind = kindOf(
    async () => {
      running += 1;
      most = Math.max(most, running);
      await slow.promise;
      running -= 1;
    },
    { concurrency: 3 },
  );
  const queue = queueOf(kind);
  for (let n = 0; n < 8; n += 1) await add(kind, n);
  await queue.poll();
  await queue.poll();
  expect(running).toBe(3);
  slow.resolve();
  await queue.idle();
  expect(most).toBe(3);
  expect(await rows()).toHaveLength(0);
});
