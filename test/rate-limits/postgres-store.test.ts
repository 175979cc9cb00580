// Rates that several servers count together, in PostgreSQL, and what becomes of them while it is away.
import { afterEach, beforeAll, expect, setSystemTime } from "bun:test";
import { rates } from "../../src/rate-limits/limits.ts";
import { Limiter } from "../../src/rate-limits/limiter.ts";
import type { RunningServer } from "../../src/server.ts";
import { Problem } from "../../src/wire/problems.ts";
import { longTest, test } from "../world/long.ts";
import { useWorld, type World } from "../world/world.ts";

const quota = rates.sends.person.quota;

const world = useWorld({ env: { RATE_LIMITS: "postgres" } });
let other: RunningServer;
beforeAll(() => {
  other = world.startAnother();
});

afterEach(() => void setSystemTime());

const take = (server: RunningServer | World, userId: number, points = 1) =>
  server.ctx.rateLimits.take("sends", { userId }, points);

async function remaining(server: RunningServer | World, userId: number) {
  const { counts, refusal } = await take(server, userId);
  return refusal ? refusal.code : counts[0]?.remaining;
}

async function rowsOf(userId: number): Promise<number> {
  const rows = await world.sql`select 1 from rate_limits where key = ${`sends-person:${userId}`}`;
  return rows.length;
}

test("two servers count together, and both refuse", async () => {
  await take(world, 1, quota - 2);
  expect(await remaining(other, 1)).toBe(1);
  expect(await remaining(world, 1)).toBe(0);
  expect(await remaining(other, 1)).toBe("rate_limited");
  expect(await remaining(world, 1)).toBe("rate_limited");
  expect(await remaining(other, 2)).toBe(quota - 1);
});

test("many at once are counted one by one", async () => {
  const servers = [world, other];
  const takes = Array.from({ length: 60 }, (_, n) => take(servers[n % 2] ?? world, 3, quota / 30));
  const verdicts = await Promise.all(takes);
  expect(verdicts.filter(({ refusal }) => !refusal)).toHaveLength(30);
});

test("who was refused is refused again without a question to the database", async () => {
  await take(world, 4, quota);
  expect(await remaining(world, 4)).toBe("rate_limited");
  await world.sql.begin(async (sql) => {
    await sql`lock table rate_limits in access exclusive mode`;
    // A question would be given up, and this server's own count has not begun yet.
    expect(await remaining(world, 4)).toBe("rate_limited");
  });
});

test("failed sign-ins on one server are throttled on the other, and a success is known to both", async () => {
  const wrong = () => Promise.reject(new Problem("invalid_credentials", "No."));
  const attempt = { username: "ann", factor: "password", network: "203.0.113.1" } as const;
  await world.ctx.rateLimits.guardSignIn(attempt, async () => "in");
  for (let n = 0; n < 10; n += 1) {
    const { ctx } = n % 2 ? other : world;
    await expect(ctx.rateLimits.guardSignIn(attempt, wrong)).rejects.toMatchObject({
      code: "invalid_credentials",
    });
  }
  for (const { ctx } of [world, other]) {
    const again = ctx.rateLimits.guardSignIn(attempt, async () => "in");
    await expect(again).rejects.toMatchObject({ code: "rate_limited" });
  }
  const known = await world.sql`select key from rate_limits where key like 'sign-in-known:%'`;
  expect(known.map(({ key }) => key)).toEqual(["sign-in-known:ann 203.0.113.1"]);
});

test("counters whose window is over are removed, and no others", async () => {
  await take(world, 5);
  await take(world, 6);
  await world.sql`update rate_limits set expire = ${Date.now() - 1} where key = 'sends-person:5'`;
  await world.ctx.rateLimits.cleanUp();
  expect([await rowsOf(5), await rowsOf(6)]).toEqual([0, 1]);
});

longTest(
  "a database that hangs holds nobody up: each server counts by itself, and together again afterwards",
  async () => {
    await world.sql`
    create function hang() returns trigger language plpgsql as $$ begin perform pg_sleep(10); return new; end $$
  `;
    await world.sql`create trigger hang before insert on rate_limits for each row execute function hang()`;
    const first = await Promise.all([world, other].map((server) => remaining(server, 7)));
    expect(first).toEqual([quota - 1, quota - 1]);
    await take(world, 7, quota - 1);
    expect(await remaining(world, 7)).toBe("rate_limited");
    expect(await remaining(other, 7)).toBe(quota - 2);
    await world.sql`
    select pg_cancel_backend(pid) from pg_stat_activity
    where datname = current_database() and wait_event = 'PgSleep'
  `;
    await world.sql`drop function hang cascade`;
    while ((await rowsOf(8)) === 0) await take(world, 8);
  },
);

test("in memory there is an end of what is counted: what is new then is let through, what is known goes on", async () => {
  const limiter = new Limiter("test", { quota: 2, windowSeconds: 60 }, undefined, { keysMax: 100 });
  await limiter.take("known", 2);
  for (let n = 0; n < 99; n += 1) await limiter.take(String(n));
  for (let n = 0; n < 5; n += 1) expect(await limiter.take("new")).toMatchObject({ allowed: true });
  expect(await limiter.take("known")).toMatchObject({ allowed: false, remaining: 0 });
  expect(await limiter.take("1")).toMatchObject({ allowed: true, remaining: 0 });
  expect(await limiter.take("1")).toMatchObject({ allowed: false });
  // There is room again when those of before are over.
  setSystemTime(Date.now() + 120_000);
  await limiter.take("new", 2);
  expect(await limiter.take("new")).toMatchObject({ allowed: false });
});
