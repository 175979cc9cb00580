// Addresses of every kind, used by the pool, by migrations and by a backup.
import { afterAll, beforeAll, describe, expect, setDefaultTimeout } from "bun:test";
import { copyFileSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pino } from "pino";
import { parseDatabaseUrl, type DatabaseAddress } from "../../src/config/database-address.ts";
import { backUp } from "../../src/database/backup/backup.ts";
import { restore } from "../../src/database/backup/restore.ts";
import { defaultMigrationsDir } from "../../src/database/migrations/dbmate.ts";
import { migrate, migrationStates, rollBack } from "../../src/database/migrations/migrate.ts";
import { migrationNames } from "../../src/database/migrations/states.ts";
import { openPool } from "../../src/database/pooler.ts";
import { dropDatabase, emptyDatabase, giveBackDatabase } from "../world/cluster.ts";
import { bothTest, isLong, longTest, test } from "../world/long.ts";
import { hasPgbouncer, startPgbouncer } from "../world/pgbouncer.ts";
import { using } from "../world/rows.ts";

setDefaultTimeout(60_000);
const log = pino({ level: "silent" });
const files = migrationNames(defaultMigrationsDir);
const folder = mkdtempSync(join(tmpdir(), "gemini-coop-addresses-"));
const urls: string[] = [];
const endings: (() => Promise<unknown>)[] = [];
afterAll(async () => {
  for (const end of endings) await end();
  for (const url of urls) await giveBackDatabase(url);
  rmSync(folder, { recursive: true });
});

async function emptyUrl(): Promise<string> {
  const url = await emptyDatabase();
  urls.push(url);
  return url;
}

/** Migrates, writes, saves, and restores into another database, all by the addresses. */
async function useAll([source, target]: [string, string]): Promise<void> {
  const [from, to] = [parseDatabaseUrl(source), parseDatabaseUrl(target)];
  expect(await migrate(from, { log })).toEqual(files);
  expect(await migrate(from, { log })).toEqual([]);
  expect(await rollBack(from, { log })).toBe(files.at(-1) ?? "");
  expect(await migrate(from, { log })).toEqual(files.slice(-1));
  const sql = await openPool(from, log);
  await sql`insert into users (username, email, hashed_password) values ('anna', 'a@example.com', 'x')`;
  await sql.end({ timeout: 1 });
  const file = join(folder, `${crypto.randomUUID()}.sql.gz`);
  await backUp(from, file, "1.0.0");
  expect((await restore(to, file, { log })).rows).toMatchObject({ users: 1 });
  await expect(restore(to, file, { log })).rejects.toThrow(/has rows already \(users\)/);
  const restored = await openPool(to, log);
  expect([...(await restored`select id, username from users`)]).toEqual([
    { id: 1, username: "anna" },
  ]);
  await restored.end({ timeout: 1 });
  expect((await migrationStates(to, { log })).every(({ applied }) => applied)).toBe(true);
}

/** The first migrations, which make the table of people. The others reach a database in the same way. */
const first = files.slice(0, 2);
const firstDir = join(folder, "first migrations");
mkdirSync(firstDir);
for (const name of first) copyFileSync(join(defaultMigrationsDir, name), join(firstDir, name));

/** Applies all migrations in check:long, otherwise the first ones. */
async function migrateMost(address: DatabaseAddress): Promise<void> {
  if (isLong) expect(await migrate(address, { log })).toEqual(files);
  else expect(await migrate(address, { log, migrationsDir: firstDir })).toEqual(first);
}

/** Does all of that in check:long. Otherwise migrates and writes: saving and restoring connect in the same way. */
async function useMost(addresses: [string, string]): Promise<void> {
  if (isLong) return useAll(addresses);
  const address = parseDatabaseUrl(addresses[0]);
  await migrateMost(address);
  const sql = await openPool(address, log);
  await sql`insert into users (username, email, hashed_password) values ('anna', 'a@example.com', 'x')`;
  await sql.end({ timeout: 1 });
}

/** The tables of a database outside of PostgreSQL's own schemas, by schema. */
const schemasOf = (url: string) =>
  using(
    url,
    (sql) => sql`
      select schemaname as schema, count(*)::int as tables from pg_tables
      where schemaname not in ('pg_catalog', 'information_schema') group by 1 order by 1
    `,
  ).then((rows) => rows.map((row) => ({ ...row })));

longTest("with a schema everything is in it, beside the same tables of another one", async () => {
  const [source, target] = [await emptyUrl(), await emptyUrl()];
  await migrate(parseDatabaseUrl(source), { log });
  const [{ tables } = { tables: 0 }] = await schemasOf(source);
  await useAll([`${source}?schema=My-App`, `${target}?search_path=other,public`]);
  expect(await schemasOf(source)).toEqual([
    { schema: "My-App", tables },
    { schema: "public", tables },
  ]);
  expect(await schemasOf(target)).toEqual([{ schema: "other", tables }]);
  expect([...(await using(source, (sql) => sql`select username from users`))]).toEqual([]);
});

bothTest("members of libpq, Prisma and JDBC are no obstacle", async () => {
  const members =
    "?channel_binding=prefer&connection_limit=5&pool_timeout=0&gssencmode=prefer&target_session_attrs=read-write" +
    "&statement_cache_size=0&sslmode=prefer&connect_timeout=10&application_name=chat&options=-c%20geqo%3Doff";
  await useMost([(await emptyUrl()) + members, (await emptyUrl()) + members]);
});

bothTest("characters of a password that are percent-encoded are the password's", async () => {
  const url = new URL(await emptyUrl());
  const password = "p%41#/?@: 'é\"";
  const role = `odd_${process.pid}`;
  const name = url.pathname.slice(1);
  await using(url.href, (sql) =>
    sql.unsafe(
      `create role ${role} login password '${password.replaceAll("'", "''")}'; alter database ${name} owner to ${role}`,
    ),
  );
  const address = `postgres://${role}:${encodeURIComponent(password)}@${url.host}/${name}`;
  await migrateMost(parseDatabaseUrl(address));
  const wrong = `postgres://${role}:p%41@${url.host}/${name}`;
  const refusal = await migrate(parseDatabaseUrl(wrong), { log }).catch(String);
  expect(refusal).toMatch(/password authentication failed.*special characters .*percent-encoded/);
  await using(url.href, (sql) =>
    sql.unsafe(`reassign owned by ${role} to current_user; drop role ${role}`),
  );
});

describe.skipIf(!hasPgbouncer)("behind PgBouncer", () => {
  let bouncers: Awaited<ReturnType<typeof startPgbouncer>>[];
  let direct: string[];
  beforeAll(async () => {
    direct = [await emptyUrl(), await emptyUrl()];
    bouncers = await Promise.all(direct.map((url) => startPgbouncer(url)));
    endings.push(...bouncers.map((bouncer) => () => bouncer.stop()));
  });
  const bothOf = (key: "url" | "urlByIpv6" | "urlBySocket", members: string): [string, string] => {
    const [source = "", target = ""] = bouncers.map((bouncer) => bouncer[key]);
    const separator = key === "urlBySocket" ? "&" : "?";
    return [`${source}${separator}${members}`, `${target}${separator}${members}`];
  };

  bothTest("a schema is used in each transaction", () =>
    useMost(bothOf("url", "schema=app&pgbouncer=true")),
  );
  longTest("an IPv6 address works", () => useMost(bothOf("urlByIpv6", "schema=six")));
  bothTest("a Unix socket works", () => useMost(bothOf("urlBySocket", "schema=socket")));
  longTest("migrations run while others use the same server connections", async () => {
    const address = parseDatabaseUrl(bothOf("url", "schema=busy")[0]);
    const sql = await openPool(address, log);
    let isBusy = true;
    const others = Array.from({ length: 6 }, async () => {
      while (isBusy) await sql`select ${1}::int as one`;
    });
    try {
      expect(await migrate(address, { log })).toEqual(files);
      for (const name of files.slice(-3).reverse()) {
        expect(await rollBack(address, { log })).toBe(name);
      }
      expect(await migrate(address, { log })).toEqual(files.slice(-3));
    } finally {
      isBusy = false;
      await Promise.all(others);
      await sql.end({ timeout: 1 });
    }
  });
  test("a wrong password is refused with the advice to encode it", async () => {
    const url = bothOf("url", "x=y")[0].replace(/:[^:@]*@/, ":wrong@");
    expect(await migrate(parseDatabaseUrl(url), { log }).catch(String)).toMatch(
      /cannot be migrated now: .*authentication failed.*percent-encoded/,
    );
  });
  longTest("a missing database is made", async () => {
    const missing = `missing_${process.pid}`;
    const [source] = bothOf("url", "");
    const url = source.replace(/\/[^/?]*\?/, `/${missing}`);
    await migrateMost(parseDatabaseUrl(url));
    for (const bouncer of bouncers) await bouncer.stop();
    await dropDatabase(`postgres://x/${missing}`);
  });
});
