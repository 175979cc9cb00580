// Migrations of the compiled executable, which brings neither the folder of the sources nor npm's packages.
import { afterAll, beforeAll, expect, setDefaultTimeout } from "bun:test";
import { copyFileSync, cpSync, mkdtempSync, readdirSync, renameSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pino } from "pino";
import { parseDatabaseUrl } from "../../../src/config/database-address.ts";
import { findDbmate } from "../../../src/database/migrations/dbmate.ts";
import { migrate, rollBack } from "../../../src/database/migrations/migrate.ts";
import { borrowDatabase, giveBackDatabase, emptyDatabase } from "../../world/cluster.ts";
import { longTest, test } from "../../world/long.ts";

const root = join(import.meta.dir, "../../..");
const files = readdirSync(join(root, "db/migrations")).sort();
const log = pino({ level: "silent" });
setDefaultTimeout(60_000);

let folder: string;
let url: string;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "gemini-coop compiled "));
  const entry = join(import.meta.dir, "../../world/migrating.ts");
  const flags = ["--compile", "--bytecode", "--format=esm", "--outfile", join(folder, "program")];
  const built = Bun.spawnSync([process.execPath, "build", entry, ...flags], { cwd: root });
  expect(built.success).toBe(true);
  cpSync(join(root, "db/migrations"), join(folder, "db/migrations"), { recursive: true });
  url = await emptyDatabase();
});

afterAll(async () => {
  await giveBackDatabase(url);
  rmSync(folder, { recursive: true, force: true });
});

async function migrateCompiled(databaseUrl: string): Promise<string> {
  const child = Bun.spawn([join(folder, "program"), databaseUrl], { cwd: "/", env: {} });
  return (await child.stdout.text()).trim();
}

longTest(
  "where dbmate is not installed, a start with pending migrations is refused, changes nothing and says what to do",
  async () => {
    expect(await migrateCompiled(url)).toBe(
      `Error: Migrations are pending (${files.join(", ")}), and dbmate, which applies them, is not installed here: ` +
        "run the migrate service of docker-compose.yml, or `bun run db:up` in the sources.",
    );

    const migrated = await borrowDatabase();
    await rollBack(parseDatabaseUrl(migrated), { log });
    expect(await migrateCompiled(migrated)).toStartWith(
      `Error: Migrations are pending (${files.at(-1)}), and dbmate`,
    );
    expect(await migrate(parseDatabaseUrl(migrated), { log })).toEqual(files.slice(-1));
    expect(await migrateCompiled(migrated)).toBe("[]");
    await giveBackDatabase(migrated);
  },
);

longTest("with dbmate beside it, the executable applies them by itself", async () => {
  copyFileSync(findDbmate() ?? "", join(folder, "dbmate"));
  expect(await migrateCompiled(url)).toBe(JSON.stringify(files));
  rmSync(join(folder, "dbmate"));
  expect(await migrateCompiled(url)).toBe("[]");
});

test("without a folder of migrations it does not take itself for migrated", async () => {
  renameSync(join(folder, "db"), join(folder, "elsewhere"));
  expect(await migrateCompiled(url)).toContain("ENOENT");
  renameSync(join(folder, "elsewhere"), join(folder, "db"));
});
