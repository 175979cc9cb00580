import { afterAll, beforeAll, describe, expect, setDefaultTimeout } from "bun:test";
import { chmodSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pino from "pino";
import postgres from "postgres";
import { parseDatabaseUrl } from "../../../src/config/database-address.ts";
import {
  type EmbeddedPostgres,
  startEmbeddedPostgres,
} from "../../../src/embedded-postgres/embedded-postgres.ts";
import {
  migrate,
  migrationStates,
  newMigration,
  rollBack,
} from "../../../src/database/migrations/migrate.ts";
import { prepareDataFolder } from "../../world/data-folder.ts";
import { removeFolder } from "../../world/folder.ts";
import { bothTest, everyNth, longTest, test } from "../../world/long.ts";

const log = pino({ level: "silent" });
const cli = join(import.meta.dir, "../../../db/cli.ts");

// Each spawns several programs, which takes its time on a busy machine.
setDefaultTimeout(20_000);

let base: string;
let database: EmbeddedPostgres;
let databases = 0;

beforeAll(async () => {
  base = mkdtempSync(join(tmpdir(), "migrate "));
  chmodSync(base, 0o755);
  const dataDir = prepareDataFolder(join(base, ".data"));
  database = await startEmbeddedPostgres({ dataDir, log });
}, 20_000);

afterAll(async () => {
  await database.stop();
  removeFolder(base);
}, 20_000);

/** The address of a database that does not exist yet. */
function freshUrl(): string {
  const url = new URL(database.url);
  url.pathname = `/migrated_${++databases}`;
  return url.href;
}

function migrations(files: Record<string, [up: string, down: string]>): string {
  const dir = mkdtempSync(join(base, "migrations "));
  for (const [name, [up, down]] of Object.entries(files)) {
    writeFileSync(join(dir, name), `-- migrate:up\n${up}\n-- migrate:down\n${down}\n`);
  }
  return dir;
}

async function tables(url: string): Promise<string[]> {
  const sql = postgres(url, { max: 1 });
  try {
    const rows = await sql`
      select tablename as name from pg_tables
      where schemaname = 'public' and tablename <> 'schema_migrations'
      order by name
    `;
    return rows.map((row) => row.name);
  } finally {
    await sql.end({ timeout: 1 });
  }
}

const pears: [string, string] = ["create table pears (id int);", "drop table pears;"];
const plums: [string, string] = ["create table plums (id int);", "drop table plums;"];
const broken: [string, string] = [
  "create table half (id int);\ninsert into half values ('x');",
  "drop table half;",
];

describe("migrating", () => {
  test("makes the database, applies every migration in order, and once", async () => {
    const migrationsDir = migrations({ "2_plums.sql": plums, "1_pears.sql": pears });
    const url = freshUrl();
    expect(await migrate(parseDatabaseUrl(url), { log, migrationsDir })).toEqual([
      "1_pears.sql",
      "2_plums.sql",
    ]);
    expect(await tables(url)).toEqual(["pears", "plums"]);
    expect(await migrate(parseDatabaseUrl(url), { log, migrationsDir })).toEqual([]);
  });

  longTest(
    "that fails names the migration and what the database said, and leaves nothing of it",
    async () => {
      const migrationsDir = migrations({ "1_pears.sql": pears, "2_broken.sql": broken });
      const url = freshUrl();
      await expect(migrate(parseDatabaseUrl(url), { log, migrationsDir })).rejects.toThrow(
        /^Migration 2_broken\.sql failed: .*invalid input syntax for type integer: "x"/,
      );
      expect(await tables(url)).toEqual(["pears"]);
      expect(await migrationStates(parseDatabaseUrl(url), { log, migrationsDir })).toEqual([
        { name: "1_pears.sql", applied: true, dataLoss: undefined },
        { name: "2_broken.sql", applied: false, dataLoss: undefined },
      ]);
    },
  );

  longTest("by many at once is done by one of them, and the others find it done", async () => {
    // Slow enough that all begin before the first ends; dbmate alone would run it several times and fail.
    const migrationsDir = migrations({
      "1_slow.sql": ["create table slow (id int); select pg_sleep(0.3);", "drop table slow;"],
    });
    const url = freshUrl();
    const applied = await Promise.all(
      [1, 2, 3].map(() => migrate(parseDatabaseUrl(url), { log, migrationsDir })),
    );
    expect(applied.filter((names) => names.length > 0)).toEqual([["1_slow.sql"]]);
    expect(await tables(url)).toEqual(["slow"]);
  });

  test("a database that is away says which, and not its password", async () => {
    const url = new URL(database.url);
    url.port = "1";
    const refusal = await migrate(parseDatabaseUrl(url.href), { log }).catch((error: unknown) =>
      String(error),
    );
    expect(refusal).toContain(`The database 127.0.0.1:1${url.pathname} cannot be migrated now`);
    expect(refusal).not.toContain(url.password);
  });

  longTest(
    "back takes the last migration away, one at a time, and refuses when there is none",
    async () => {
      const migrationsDir = migrations({ "1_pears.sql": pears, "2_plums.sql": plums });
      const url = freshUrl();
      await migrate(parseDatabaseUrl(url), { log, migrationsDir });
      expect(await rollBack(parseDatabaseUrl(url), { log, migrationsDir })).toBe("2_plums.sql");
      expect(await tables(url)).toEqual(["pears"]);
      expect(await rollBack(parseDatabaseUrl(url), { log, migrationsDir })).toBe("1_pears.sql");
      await expect(rollBack(parseDatabaseUrl(url), { log, migrationsDir })).rejects.toThrow(
        /no migrations have been applied/,
      );
    },
  );

  longTest("back that fails names the migration", async () => {
    const migrationsDir = migrations({ "1_stuck.sql": [pears[0], "drop table nowhere;"] });
    const url = freshUrl();
    await migrate(parseDatabaseUrl(url), { log, migrationsDir });
    await expect(rollBack(parseDatabaseUrl(url), { log, migrationsDir })).rejects.toThrow(
      /^Migration 1_stuck\.sql failed: .*"nowhere" does not exist/,
    );
    expect(await tables(url)).toEqual(["pears"]);
  });
});

describe("a new migration", () => {
  test("is an empty file with a time and the name, up and down", async () => {
    const dir = migrations({});
    const path = await newMigration("add_pears", dir);
    expect(readdirSync(dir)).toHaveLength(1);
    expect(path).toMatch(/\/\d{14}_add_pears\.sql$/);
    expect(readFileSync(path, "utf8")).toMatch(/-- migrate:up\s+-- migrate:down/);
  });

  test.each(["", "Add Pears", "../pears", "pears.sql", "--help"])(
    "is refused the name %p",
    async (name) => {
      const dir = migrations({});
      await expect(newMigration(name, dir)).rejects.toThrow(/is no name for a migration/);
      expect(readdirSync(dir)).toEqual([]);
    },
  );
});

describe("the command line", () => {
  function run(args: string[], env: Record<string, string>) {
    const ran = Bun.spawnSync([process.execPath, cli, ...args], { env, cwd: base });
    return { code: ran.exitCode, said: ran.stdout.toString(), complained: ran.stderr.toString() };
  }

  bothTest.each(
    everyNth(4, [
      [[]],
      [["sideways"]],
      [["new"]],
      [["new", "a", "b"]],
      [["up", "now"]],
      [["restore"]],
      [["backup", "a", "b"]],
      [["toString"]],
    ]),
  )("explains itself when it is given %j", (args) => {
    const { code, said, complained } = run(args, {});
    expect({ code, said }).toEqual({ code: 2, said: "" });
    expect(complained).toStartWith("Usage:");
  });

  longTest("migrates the database of DATABASE_URL up and down and tells where it stands", () => {
    const env = { DATABASE_URL: freshUrl() };
    expect(run(["up"], env)).toMatchObject({ code: 0, said: expect.stringContaining("applied 2") });
    expect(run(["up"], env)).toMatchObject({ code: 0, said: "Nothing to apply.\n" });
    expect(run(["down"], env)).toMatchObject({
      code: 0,
      said: expect.stringContaining("rolled back "),
    });
    expect(run(["status"], env)).toMatchObject({
      code: 0,
      said: expect.stringMatching(/^pending /m),
    });
  });

  longTest(
    "uses the embedded database when there is no DATABASE_URL, also while that is running",
    () => {
      const env = { DATA_DIR: join(base, ".data") };
      expect(run(["up"], env)).toMatchObject({ code: 0, complained: "" });
      expect(run(["status"], env).said).not.toContain("pending");
    },
  );

  test("says what is wrong with the settings", () => {
    const { code, complained } = run(["up"], { DATABASE_URL: "mysql://x" });
    expect(code).toBe(1);
    expect(complained).toContain("DATABASE_URL: must begin with postgres://");
  });
});
