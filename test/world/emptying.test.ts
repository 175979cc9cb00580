import { expect } from "bun:test";
import { pino } from "pino";
import { parseDatabaseUrl } from "../../src/config/database-address.ts";
import { connect } from "../../src/database/connect.ts";
import {
  borrowDatabase,
  borrowPool,
  emptyDatabase,
  giveBackDatabase,
  giveBackPool,
  type PooledDatabase,
  poolMax,
} from "./cluster.ts";
import { emptyIfUnchanged, emptyThroughPool, fingerprintOf } from "./emptying.ts";
import { bothTest, everyNth, longTest, test } from "./long.ts";
import { everything, using } from "./rows.ts";
import { fill } from "./schema.ts";

async function withFilled(work: (url: string, fingerprint: string) => Promise<void>) {
  const url = await borrowDatabase();
  try {
    const fingerprint = await fingerprintOf(url);
    await using(url, fill);
    await work(url, fingerprint);
  } finally {
    await giveBackDatabase(url);
  }
}

longTest("a database that was used is as a new one after it has been emptied", () =>
  withFilled(async (url, fingerprint) => {
    const fresh = await borrowDatabase();
    expect(await everything(url)).not.toEqual(await everything(fresh));
    expect(await emptyIfUnchanged(url, fingerprint)).toBe(true);
    expect(await everything(url)).toEqual(await everything(fresh));
    await giveBackDatabase(fresh);
  }),
);

longTest("a connection that a test has left open is closed before the database is emptied", () =>
  withFilled(async (url, fingerprint) => {
    const left = connect(parseDatabaseUrl(url), pino({ level: "silent" }), { max: 1 });
    const transaction = await left.reserve();
    await transaction`begin`;
    await transaction`update chats set name = 'late'`;
    expect(await emptyIfUnchanged(url, fingerprint)).toBe(true);
    await expect(transaction`commit`.execute()).rejects.toThrow();
    expect((await everything(url)).chats).toEqual([]);
    await left.end();
  }),
);

async function withPool(work: (pool: PooledDatabase, fingerprint: string) => Promise<void>) {
  const pool = await borrowPool();
  try {
    const fingerprint = await fingerprintOf(pool.url);
    await fill(pool.sql);
    await work(pool, fingerprint);
  } finally {
    await giveBackPool(pool);
  }
}

longTest("through its pool a database is emptied, too, and the pool's connections stay open", () =>
  withPool(async ({ url, sql, name }, fingerprint) => {
    const pids = () =>
      sql`
      select pid from pg_stat_activity where datname = current_database() order by pid
    `.values();
    await Promise.all([sql`select pg_sleep(0.05)`, sql`select pg_sleep(0.05)`]);
    const before = await pids();
    expect(before.length).toBeGreaterThan(1);
    expect(await emptyThroughPool(sql, name, fingerprint)).toBe(true);
    expect(await pids()).toEqual(before);
    const fresh = await borrowDatabase();
    expect(await everything(url)).toEqual(await everything(fresh));
    await giveBackDatabase(fresh);
  }),
);

test("a pool in which a test has left a transaction open is not used again", () =>
  withPool(async ({ sql, name }, fingerprint) => {
    const transaction = await sql.reserve();
    await transaction`begin`;
    expect(await emptyThroughPool(sql, name, fingerprint)).toBe(false);
    await transaction`commit`;
    transaction.release();
    expect(await emptyThroughPool(sql, name, fingerprint)).toBe(true);
  }));

test("a database without tables is not used again", async () => {
  const fresh = await borrowDatabase();
  const url = await emptyDatabase();
  expect(await emptyIfUnchanged(url, await fingerprintOf(fresh))).toBe(false);
  await giveBackDatabase(fresh);
});

test("a pool that a test has ended is not used again", () =>
  withPool(async ({ sql, name }, fingerprint) => {
    await sql.end();
    expect(await emptyThroughPool(sql, name, fingerprint)).toBe(false);
  }));

test("a connection to a pool's database that is not the pool's is closed", () =>
  withPool(async ({ url, sql, name }, fingerprint) => {
    await using(url, async (other) => {
      const transaction = await other.reserve();
      await transaction`begin`;
      await transaction`update chats set name = 'late'`;
      expect(await emptyThroughPool(sql, name, fingerprint)).toBe(true);
      await expect(transaction`commit`.execute()).rejects.toThrow();
    });
    expect((await everything(url)).chats).toEqual([]);
  }));

longTest(
  "a pool is not used again after its schema has changed, or when it has no connection left",
  () =>
    withPool(async ({ sql, name }, fingerprint) => {
      const reserved = await Promise.all(Array.from({ length: poolMax }, () => sql.reserve()));
      expect(await emptyThroughPool(sql, name, fingerprint)).toBe(false);
      for (const connection of reserved) connection.release();
      await sql`create table more ()`;
      expect(await emptyThroughPool(sql, name, fingerprint)).toBe(false);
    }),
);

bothTest.each(
  everyNth(9, [
    ["one more table", "create table more ()"],
    ["a column less", "alter table users drop column created_at"],
    ["another default", "alter table users alter column created_at set default 'yesterday'"],
    ["a constraint less", "alter table messages drop constraint messages_content_check"],
    ["an index less", "drop index users_email_key"],
    [
      "one more trigger",
      "create trigger t before update on users for each row execute function refuse_change_of_audit_event()",
    ],
    ["a trigger that is off", "alter table audit_events disable trigger user"],
    ["one more function", "create function f() returns int return 1"],
    ["a setting of its own", "alter database NAME set work_mem = '1MB'"],
  ]),
)("a database with %s is not used again", (_, change) =>
  withFilled(async (url, fingerprint) => {
    const name = new URL(url).pathname.slice(1);
    // From now on the fingerprint is not computed again until the catalogue has changed.
    expect(await emptyIfUnchanged(url, fingerprint)).toBe(true);
    await using(url, (sql) => sql.unsafe(change.replace("NAME", name)));
    expect(await emptyIfUnchanged(url, fingerprint)).toBe(false);
  }),
);
