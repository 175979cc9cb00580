import { afterAll, beforeAll, describe, expect, setDefaultTimeout } from "bun:test";
import { pino } from "pino";
import postgres from "postgres";
import { parseDatabaseUrl } from "../../src/config/database-address.ts";
import {
  databaseError,
  isDatabaseAway,
  isLocked,
  ownProcess,
  type Sql,
} from "../../src/database/connect.ts";
import { observed } from "../../src/database/query-metrics.ts";
import { openPool } from "../../src/database/pooler.ts";
import { CapturedLog } from "../world/captured.ts";
import { borrowDatabase, giveBackDatabase } from "../world/cluster.ts";
import { hasPgbouncer, type Pgbouncer, startPgbouncer } from "../world/pgbouncer.ts";
import { longTest, test } from "../world/long.ts";

setDefaultTimeout(30_000);
const log = pino({ level: "silent" });

let direct: string;
beforeAll(async () => {
  direct = await borrowDatabase();
});
afterAll(() => giveBackDatabase(direct));

const settings = (sql: Sql) => sql`
  select current_setting('TimeZone') as zone, current_setting('statement_timeout') as statement,
    current_setting('lock_timeout') as lock, current_setting('random_page_cost') as cost
`;
const wanted = { zone: "UTC", statement: "15s", lock: "2s", cost: "1.1" };

test("a pool without a pooler has its settings for the whole connection, and named statements", async () => {
  const sql = await openPool(parseDatabaseUrl(`${direct}?application_name=mine`), log);
  expect([...(await settings(sql))]).toEqual([wanted]);
  const [row] = await sql`
    select current_setting('application_name') as name, count(*) > 0 as named
    from pg_prepared_statements where ${1} = 1
  `;
  expect(row).toEqual({ name: "mine", named: true });
  await sql.end({ timeout: 1 });
});

test("the start logs the members of the address that are left out, without their values", async () => {
  const captured = new CapturedLog();
  const members = "channel_binding=secret&connection_limit=5";
  const address = parseDatabaseUrl(`${direct}?${members}`);
  const sql = await openPool(address, pino({ level: "info" }, captured));
  await sql.end({ timeout: 1 });
  expect(captured.lines).toHaveLength(1);
  expect(captured.lines[0]).toMatchObject({
    level: 40,
    members: ["channel_binding", "connection_limit"],
  });
  expect(JSON.stringify(captured.lines)).not.toContain("secret");
});

describe.skipIf(!hasPgbouncer)("behind PgBouncer in transaction mode", () => {
  let bouncer: Pgbouncer;
  let sql: Sql;
  beforeAll(async () => {
    bouncer = await startPgbouncer(direct);
    sql = await openPool(parseDatabaseUrl(bouncer.url), log);
    await sql`create table kept (id int primary key, word text)`;
  });
  afterAll(async () => {
    await sql.end({ timeout: 1 });
    await bouncer.stop();
  });

  test("each statement has the settings, and leaves none of them on the server's connection", async () => {
    expect([...(await settings(sql))]).toEqual([wanted]);
    const [row] = await sql.unsafe("select current_setting('lock_timeout') as lock");
    expect(row?.lock).toBe("2s");
    const other = postgres(bouncer.url, { max: 5, prepare: false });
    const rows = await Promise.all(
      Array.from({ length: 10 }, () => other`select current_setting('lock_timeout') as lock`),
    );
    expect(new Set(rows.map(([row]) => row?.lock))).toEqual(new Set(["0"]));
    await other.end({ timeout: 1 });
  });

  test("statements are parsed, composed and observed as without it", async () => {
    const ended: boolean[] = [];
    const all = observed(sql, {
      queryBegan() {},
      queryEnded: (_, failed) => void ended.push(failed),
    });
    const word = all`${"a"}::text || ${"b"}`;
    const query = all`select 1::bigint as n, ${word} as word, ${[1, 2]}::int[] as list`;
    const expected = [{ n: 1, word: "ab", list: [1, 2] }];
    expect([...(await query)]).toEqual(expected);
    expect([...(await query)]).toEqual(expected);
    await expect(all`select 1 / ${0}::int`.then(() => "none")).rejects.toThrow("division by zero");
    expect(ended).toEqual([false, true]);
    const failing = sql`select 1 / ${0}::int`;
    expect(await failing.catch(databaseError)).toEqual({ code: "22012" });
  });

  test("many statements at once, some of which fail, are each whole, and all connections stay in use", async () => {
    const insert = (id: number) =>
      sql`insert into kept values (${id % 900}, ${`word ${id}`}) returning id`;
    const settled = await Promise.allSettled(Array.from({ length: 1_000 }, (_, id) => insert(id)));
    expect(settled.filter(({ status }) => status === "rejected")).toHaveLength(100);
    // @ts-expect-error Values that no column can have fail before they are sent.
    for (let n = 0; n < 20; n += 1) await expect(sql`select ${undefined}`.then()).rejects.toThrow();
    expect([...(await sql`select count(*)::int as count from kept`)]).toEqual([{ count: 900 }]);
  });

  test("a server has no process of PostgreSQL of its own, unlike without it", async () => {
    expect([...(await sql`select ${ownProcess(sql)} as pid`)]).toEqual([{ pid: 0 }]);
    const own = await openPool(parseDatabaseUrl(direct), log);
    const [row] = await own`select ${ownProcess(own)} = pg_backend_pid() as is_own`;
    expect(row?.is_own).toBe(true);
    await own.end({ timeout: 1 });
  });

  longTest("a statement that waits for a lock gives up after 2 s", async () => {
    const holder = postgres(direct, { max: 1 });
    await holder`begin`;
    await holder`insert into kept values (5000, 'locked')`;
    const refused: unknown = await sql`insert into kept values (5000, 'mine')`.catch(
      (error: unknown) => error,
    );
    expect(isLocked(refused)).toBe(true);
    await holder`rollback`;
    await holder.end();
  });

  test("after its server connections were cut, statements in flight are refused and later ones run", async () => {
    const admin = postgres(direct, { max: 1 });
    const asleep = Array.from({ length: 5 }, () =>
      sql`select pg_sleep(10)`.then(
        () => "ended",
        (error: unknown) => isDatabaseAway(error),
      ),
    );
    const cut = async () => admin`
      select pid, pg_terminate_backend(pid) from pg_stat_activity
      where datname = current_database() and query like 'select pg_sleep%'
    `;
    // A process that is being ended is listed until it is gone.
    const ended = new Set<number>();
    while (ended.size < 5) for (const { pid } of await cut()) ended.add(pid);
    expect(await Promise.all(asleep)).toEqual([true, true, true, true, true]);
    const later = await Promise.all(
      Array.from({ length: 20 }, (_, n) => sql`select ${n}::int as n`),
    );
    expect(later.map(([row]) => row?.n)).toEqual(Array.from({ length: 20 }, (_, n) => n));
    await admin.end();
  });

  test("an address with a schema, by IPv6 and by a Unix socket works, too", async () => {
    for (const url of [bouncer.urlByIpv6, bouncer.urlBySocket]) {
      const separator = url.includes("?") ? "&" : "?";
      const other = await openPool(parseDatabaseUrl(`${url}${separator}schema=My-App`), log);
      expect([...(await other`select current_setting('search_path') as path`)]).toEqual([
        { path: '"My-App"' },
      ]);
      await other.end({ timeout: 1 });
    }
  });
});
