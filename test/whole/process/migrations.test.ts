// Migrations at the start of real servers.
import { afterAll, expect } from "bun:test";
import { copyFileSync, mkdirSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { pino } from "pino";
import postgres from "postgres";
import { parseDatabaseUrl } from "../../../src/config/database-address.ts";
import { defaultMigrationsDir } from "../../../src/database/migrations/dbmate.ts";
import { migrate, migrationStates } from "../../../src/database/migrations/migrate.ts";
import { emptyDatabase } from "../../world/cluster.ts";
import { longTest } from "../../world/long.ts";
import { call, processes } from "../../world/process.ts";

const { folder, spawn, start, dataDir, end } = processes();
afterAll(end);

const log = pino({ level: "silent" });
const files = readdirSync(join(import.meta.dir, "../../../db/migrations")).sort();

async function execute(databaseUrl: string, statement: string): Promise<Record<string, unknown>[]> {
  const sql = postgres(databaseUrl, { max: 1, onnotice: () => undefined });
  const rows = await sql.unsafe(statement);
  await sql.end({ timeout: 1 });
  return rows.map((row) => ({ ...row }));
}

longTest.concurrent(
  "five servers that start at once on an empty database all come up, and one of them migrates it",
  async () => {
    const env = { DATABASE_URL: await emptyDatabase(), DATA_DIR: dataDir() };
    // No server begins before all of them would.
    const gate = postgres(env.DATABASE_URL, { max: 1 });
    await gate`select pg_advisory_lock(hashtextextended('gemini-coop migrations', 0))`;
    const starting = Array.from({ length: 5 }, () => start(env));
    const waiting = () =>
      gate`select 1 from pg_locks where locktype = 'advisory' and not granted and database = (
      select oid from pg_database where datname = current_database()
    )`;
    while ((await waiting()).length < starting.length) await Bun.sleep(20);
    await gate.end();
    const servers = await Promise.all(starting);
    const ready = await Promise.all(servers.map((server) => call(server, "GET", "/ready")));
    expect(ready.map(({ status }) => status)).toEqual([200, 200, 200, 200, 200]);
    const migrating = servers.filter(({ output }) => output.includes("migrated the database"));
    expect(migrating).toHaveLength(1);
    // A new database has no data to lose.
    expect(servers.filter(({ output }) => output.includes("destroys data"))).toEqual([]);
    const versions = await execute(env.DATABASE_URL, "select version from schema_migrations");
    expect(versions.map(({ version }) => version).sort()).toEqual(
      files.map((name) => /^\d+/.exec(name)?.[0]),
    );
    await Promise.all(servers.map((server) => server.stop()));
  },
);

longTest.concurrent(
  "a migration that fails stops the start with its name and the database's words, and is not there by half",
  async () => {
    const databaseUrl = await emptyDatabase();
    // The last of its statements fails: what came before it must be gone again.
    await execute(databaseUrl, "create table chat_participants (of_somebody_else int)");
    const server = spawn({ DATABASE_URL: databaseUrl, DATA_DIR: dataDir() });
    expect(await server.exited).toBe(1);
    expect(server.output).toContain("the server could not start");
    expect(server.output).toMatch(
      /Migration 20261122000002_chats\.sql failed: .*relation "chat_participants" already exists/,
    );
    const tables = await execute(
      databaseUrl,
      "select to_regclass('users') is not null as before, to_regclass('chats') is not null as half",
    );
    expect(tables).toEqual([{ before: true, half: false }]);
  },
);

longTest.concurrent(
  "a migration that destroys data is told of before it runs, where there is data",
  async () => {
    const databaseUrl = await emptyDatabase();
    const address = parseDatabaseUrl(databaseUrl);
    const states = await migrationStates(address, { log });
    const harmless = states.slice(
      0,
      states.findIndex(({ dataLoss }) => dataLoss !== undefined),
    );
    const migrationsDir = join(folder, "harmless migrations");
    mkdirSync(migrationsDir);
    for (const { name } of harmless) {
      copyFileSync(join(defaultMigrationsDir, name), join(migrationsDir, name));
    }
    expect(await migrate(address, { log, migrationsDir })).toEqual(
      harmless.map(({ name }) => name),
    );
    const server = await start({ DATABASE_URL: databaseUrl, DATA_DIR: dataDir() });
    const warning = server.output.indexOf(
      "migration 20261124000001_answers.sql destroys data and is applied now",
    );
    expect(warning).toBeGreaterThan(-1);
    expect(server.output).toContain("drops messages.lease_expires_at");
    expect(server.output.indexOf("migrated the database")).toBeGreaterThan(warning);
    expect(await server.stop()).toBe(0);
  },
);
