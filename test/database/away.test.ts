// The errors that mean that the database cannot be used for now, each from a real PostgreSQL.
import { afterAll, describe, expect } from "bun:test";
import { readFileSync } from "node:fs";
import { pino } from "pino";
import { parseDatabaseUrl } from "../../src/config/database-address.ts";
import { connect, databaseError, isDatabaseAway } from "../../src/database/connect.ts";
import { borrowDatabase, dropDatabase, giveBackDatabase } from "../world/cluster.ts";
import { bothTest, everyNth, test } from "../world/long.ts";
import { using } from "../world/rows.ts";
import { startWorld } from "../world/world.ts";

const log = pino({ level: "silent" });
const urls: string[] = [];
const roles: string[] = [];
afterAll(async () => {
  for (const url of urls) await dropDatabase(url);
  const url = await borrowDatabase();
  for (const role of roles) await using(url, (sql) => sql.unsafe(`drop role ${role}`));
  await giveBackDatabase(url);
});

/** A pool of a role that is no superuser, in use, and what the superuser does. */
async function inUse() {
  const url = new URL(await borrowDatabase());
  urls.push(url.href);
  const name = url.pathname.slice(1);
  const role = `role_of_${name}`;
  roles.push(role);
  const admin = (text: string) => using(url.href, (sql) => sql.unsafe(text));
  await admin(`create role ${role} login password 'x'`);
  const address = parseDatabaseUrl(`postgres://${role}:x@${url.host}/${name}`);
  const sql = connect(address, log, { max: 1 });
  await sql`select 1`;
  return { sql, admin, role, name, url: url.href };
}

const cut =
  "select pg_terminate_backend(pid) from pg_stat_activity where usename like 'role_of_%' and datname = current_database()";

describe("the database is away after", () => {
  test.each<[what: string, code: string, statements: (role: string, name: string) => string[]]>([
    ["a change of the password", "28P01", (role) => [`alter role ${role} password 'y'`, cut]],
    ["a role that may not log in any more", "28000", (role) => [`alter role ${role} nologin`, cut]],
    [
      "the last connection that is allowed",
      "53300",
      (_, name) => [`alter database ${name} connection limit 0`, cut],
    ],
    [
      "a change to read-only, as of a server that is no primary any more",
      "25006",
      (_, name) => [`alter database ${name} set default_transaction_read_only = on`, cut],
    ],
  ])("%s", async (_, code, statements) => {
    const { sql, admin, role, name } = await inUse();
    for (const statement of statements(role, name)) await admin(statement);
    let error: unknown;
    // The first one may still be told that its connection was cut.
    for (let tries = 0; tries < 3 && databaseError(error)?.code !== code; tries += 1) {
      error = await sql`create temporary table written (id int)`.catch((reason: unknown) => reason);
      expect(isDatabaseAway(error)).toBe(true);
    }
    expect(databaseError(error)).toEqual({ code });
    await sql.end({ timeout: 1 });
  });

  bothTest.each(
    everyNth(5, [
      "08000",
      "08P01",
      "25P03",
      "25P04",
      "3D000",
      "53100",
      "53200",
      "57014",
      "57P05",
      "58030",
    ]),
  )("an error with the SQLSTATE %s", async (code) => {
    const { sql } = await inUse();
    const error: unknown = await sql
      .unsafe(`do $$ begin raise exception using errcode = '${code}'; end $$`)
      .catch((reason: unknown) => reason);
    expect(databaseError(error)).toEqual({ code });
    expect(isDatabaseAway(error)).toBe(true);
    await sql.end({ timeout: 1 });
  });

  test("a Unix socket or a host that is not there", async () => {
    for (const host of ["/nowhere", "nowhere.invalid"]) {
      const sql = connect(parseDatabaseUrl(`postgres:///x?host=${host}`), log, { max: 1 });
      const error: unknown = await sql`select 1`.catch((reason: unknown) => reason);
      expect(isDatabaseAway(error)).toBe(true);
      await sql.end({ timeout: 1 });
    }
  });
});

test("a statement that is wrong, a row that is refused and another file that is missing are no database that is away", async () => {
  const { sql } = await inUse();
  const errors: unknown[] = [
    await sql`select nothing`.catch((reason: unknown) => reason),
    await sql`select 1 / ${0}::int`.catch((reason: unknown) => reason),
    await sql`select id from users`.catch((reason: unknown) => reason),
    new Error("other"),
  ];
  try {
    readFileSync("/nowhere");
  } catch (error) {
    errors.push(error);
  }
  expect(errors).toHaveLength(5);
  expect(errors.map(isDatabaseAway)).toEqual([false, false, false, false, false]);
  await sql.end({ timeout: 1 });
});

test("while its database is missing a server answers 503 with a time to come back", async () => {
  const world = await startWorld();
  const ann = await world.person("ann");
  const chat = await ann.chat();
  // The server that fills the search index has a lease to give back when it stops.
  await world.index();
  await dropDatabase(world.databaseUrl);
  const answers = [
    await ann.api("GET", "/api/chats"),
    await ann.api("POST", `/api/chats/${chat.id}/messages`, { content: "hello" }),
    await ann.api("GET", "/api/chats"),
  ];
  for (const { status, headers } of answers) {
    expect(status).toBe(503);
    expect(headers.get("retry-after")).toMatch(/^[1-9]\d*$/);
  }
  await world.stop();
});
