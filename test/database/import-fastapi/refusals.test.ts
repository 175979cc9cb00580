// An import that cannot be done leaves the database as it was.
import { afterAll, afterEach, beforeEach, expect, setDefaultTimeout } from "bun:test";
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pino } from "pino";
import { parseDatabaseUrl } from "../../../src/config/database-address.ts";
import { importFastapi } from "../../../src/database/import-fastapi/import.ts";
import { rollBack } from "../../../src/database/migrations/migrate.ts";
import { borrowDatabase, giveBackDatabase, emptyDatabase } from "../../world/cluster.ts";
import { fastapiDatabase, manyMessages } from "../../world/fastapi-database.ts";
import { longTest, test } from "../../world/long.ts";
import { everything, using } from "../../world/rows.ts";

const log = pino({ level: "silent" });
setDefaultTimeout(60_000);

const folder = mkdtempSync(join(tmpdir(), "gemini-coop import "));
chmodSync(folder, 0o755);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

let target: string;
let others: string[];
beforeEach(async () => {
  target = await borrowDatabase();
  others = [];
});
afterEach(async () => {
  for (const url of [target, ...others]) await giveBackDatabase(url);
});

async function run(from: string, progress: (text: string) => void = () => {}): Promise<string> {
  const options = { log, dryRun: false, unusableHash: "unusable", list: () => {}, progress };
  return importFastapi(parseDatabaseUrl(target), from, options).then(
    () => "imported",
    (error: unknown) => (error instanceof Error ? error.message : String(error)),
  );
}

/** The refusal, after which the target is as before. */
async function refusal(from: string, progress?: (text: string) => void): Promise<string> {
  const before = await everything(target);
  const said = await run(from, progress);
  expect(await everything(target)).toEqual(before);
  return said;
}

const someMessages = (engine: "sqlite" | "postgres", count = 100) =>
  fastapiDatabase(engine, folder, {}, manyMessages(engine, count));

longTest("a database with rows is refused, whatever they are", async () => {
  const from = await someMessages("sqlite");
  expect(await run(from)).toBe("imported");
  expect(await refusal(from)).toMatch(
    /^The database has rows already \(.*\busers, chats, .*\), and an import goes into an empty one only: set DATABASE_URL/,
  );
  await giveBackDatabase(target);
  target = await borrowDatabase();
  await using(target, (sql) => sql`insert into rate_limits (key) values ('x')`);
  expect(await refusal(from)).toStartWith("The database has rows already (rate_limits)");
});

longTest("a database with pending migrations, or without any tables, is refused", async () => {
  const from = await someMessages("sqlite");
  const name = await rollBack(parseDatabaseUrl(target), { log });
  expect(await refusal(from)).toBe(
    `The database has pending migrations (${name}): apply them first with \`bun run db:up\`.`,
  );
  await giveBackDatabase(target);
  target = await emptyDatabase();
  expect(await refusal(from)).toMatch(/^The database has pending migrations \(.*_users\.sql, .*\)/);
});

longTest("a database that a server uses, and one that is not there, is refused", async () => {
  const from = await someMessages("sqlite");
  await using(target, async (sql) => {
    await sql`select 1`;
    expect(await run(from)).toBe("A server is using the database: stop it first, then import.");
  });
  const missing = new URL(target);
  missing.pathname = "/nowhere";
  const options = { log, dryRun: true, unusableHash: "", list: () => {}, progress: () => {} };
  await expect(importFastapi(parseDatabaseUrl(missing.href), from, options)).rejects.toThrow(
    /nowhere.*does not exist/,
  );
});

test("a source without the tables or their columns is refused, with all that is missing", async () => {
  const path = await fastapiDatabase(
    "sqlite",
    folder,
    {},
    "drop table chats; drop table users; create table users (id integer, username text, secret text);",
  );
  expect(await refusal(path)).toBe(
    "The source is no database of the FastAPI server: it lacks the column users.email, the column users.hashed_password, " +
      "the table chats.",
  );
  others.push(await emptyDatabase());
  expect(await refusal(others[0] ?? "")).toMatch(
    /it lacks the table users, the table chats, the table chat_participants, the table messages\.$/,
  );
});

longTest("a source that cannot be opened is refused", async () => {
  const missing = join(folder, "missing.db");
  expect(await refusal(missing)).toStartWith(`${missing} cannot be read as a database of SQLite: `);
  const text = join(folder, "notes.txt");
  writeFileSync(text, "These are notes. ".repeat(1_000));
  expect(await refusal(text)).toEndWith("file is not a database");
  expect(await refusal(folder)).toStartWith(`${folder} cannot be read as a database of SQLite: `);
  expect(await refusal("postgres://nobody@127.0.0.1:1/chat")).toStartWith(
    "The database 127.0.0.1:1/chat cannot be read: ",
  );
  const wrong = new URL(target);
  wrong.pathname = "/nowhere";
  expect(await refusal(wrong.href)).toContain('database "nowhere" does not exist');
  expect(await refusal("postgres://a@b@c/chat")).toStartWith(
    "The source's address has a raw special character",
  );
  expect(await refusal("mysql://localhost/chat")).toStartWith("The source must be an address");
  expect(await refusal("")).toStartWith("The source must be an address");
});

longTest("a source is found by the addresses that SQLAlchemy has for it", async () => {
  const path = await someMessages("sqlite");
  expect(await run(`sqlite+aiosqlite:///${path}`)).toBe("imported");
  await giveBackDatabase(target);
  target = await borrowDatabase();
  const url = await someMessages("postgres");
  others.push(url);
  expect(await run(url.replace(/^postgres(ql)?:/, "postgresql+asyncpg:"))).toBe("imported");
});

longTest(
  "after a failure in the middle, of the source or of the target, nothing has been imported",
  async () => {
    const url = await someMessages("postgres", 25_000);
    others.push(url);
    let ended: Promise<unknown> | undefined;
    const said = await refusal(url, (text) => {
      if (text !== "messages: 20,000 rows read") return;
      ended = using(
        url,
        (sql) => sql`
        select pg_terminate_backend(pid) from pg_stat_activity
        where datname = current_database() and application_name = 'gemini-coop import'
      `,
      );
    });
    expect(ended).toBeDefined();
    await ended;
    expect(said).toMatch(/terminating connection|CONNECTION_CLOSED|closed/i);

    await using(target, (sql) =>
      sql.unsafe("alter table chat_participants add check (chat_id < 10)"),
    );
    expect(await refusal(await someMessages("sqlite"))).toMatch(/violates check constraint/);
    await using(target, (sql) =>
      sql.unsafe("alter table chat_participants drop constraint chat_participants_chat_id_check"),
    );
    expect(await run(await someMessages("sqlite"))).toBe("imported");
  },
);
