// When several processes migrate a database at the same time, one works; the others log that they wait, up to a limit.
import { afterAll, beforeAll, describe, expect } from "bun:test";
import { pino } from "pino";
import postgres from "postgres";
import { parseDatabaseUrl } from "../../../src/config/database-address.ts";
import { withMigrationLock } from "../../../src/database/migrations/lock.ts";
import { migrate } from "../../../src/database/migrations/migrate.ts";
import { CapturedLog } from "../../world/captured.ts";
import { borrowDatabase, giveBackDatabase } from "../../world/cluster.ts";
import { longTest, test } from "../../world/long.ts";
import { hasPgbouncer, startPgbouncer } from "../../world/pgbouncer.ts";

const silent = pino({ level: "silent" });
const waitMs = 30_000;
let direct: string;
const endings: (() => Promise<unknown>)[] = [];
beforeAll(async () => {
  direct = await borrowDatabase();
});
afterAll(async () => {
  for (const end of endings) await end();
  await giveBackDatabase(direct);
});

/** Other tests may migrate other databases of the same cluster. */
const isAdvisory = (sql: postgres.Sql) => sql`
  locktype = 'advisory' and database = (select oid from pg_database where datname = current_database())
`;

async function pooledUrl(): Promise<string> {
  const bouncer = await startPgbouncer(direct);
  endings.push(() => bouncer.stop());
  return bouncer.url;
}

const ways: [how: string, skipped: boolean, url: () => Promise<string>][] = [
  ["directly", false, async () => direct],
  ["behind PgBouncer", !hasPgbouncer, pooledUrl],
];

describe.each(ways)("%s", (_, skipped, urlOf) => {
  test.skipIf(skipped)(
    "a migration logs that it waits for another one, and goes on after it",
    async () => {
      const address = parseDatabaseUrl(await urlOf());
      const gate = Promise.withResolvers<void>();
      const taken = Promise.withResolvers<void>();
      const first = withMigrationLock(address, { log: silent, waitMs }, async () => {
        taken.resolve();
        await gate.promise;
      });
      await taken.promise;
      const captured = new CapturedLog();
      const second = migrate(address, { log: pino({}, captured) });
      const message = await captured.find({ level: 40 });
      expect(message.msg).toMatch(
        /^waiting up to 660 s for another migration of the database to end \(PostgreSQL's process \d+, "gemini-coop migrate", connected since /,
      );
      expect(Bun.peek.status(second)).toBe("pending");
      gate.resolve();
      await first;
      expect(await second).toEqual([]);
    },
  );

  longTest.skipIf(skipped)(
    "a migration that waits for too long fails, and names the one that it waited for",
    async () => {
      const address = parseDatabaseUrl(await urlOf());
      await withMigrationLock(address, { log: silent, waitMs }, async () => {
        await expect(migrate(address, { log: silent, lockWaitMs: 200 })).rejects.toThrow(
          /cannot be migrated now: another migration has not ended within 0\.2 s \(PostgreSQL's process \d+/,
        );
      });
      expect(await migrate(address, { log: silent })).toEqual([]);
    },
  );

  test.skipIf(skipped)("the lock of a process that was killed is free at once", async () => {
    const url = await urlOf();
    const script = `
      import { pino } from "pino";
      import { parseDatabaseUrl } from "./src/config/database-address.ts";
      import { withMigrationLock } from "./src/database/migrations/lock.ts";
      await withMigrationLock(parseDatabaseUrl(process.env.ADDRESS), { log: pino(), waitMs: 1 }, async () => {
        console.log("taken");
        await new Promise(() => setInterval(() => {}, 1_000));
      });
    `;
    const child = Bun.spawn([process.execPath, "-e", script], {
      cwd: `${import.meta.dir}/../../..`,
      env: { ADDRESS: url },
      stdout: "pipe",
      stderr: "inherit",
    });
    const reader = child.stdout.getReader();
    expect(new TextDecoder().decode((await reader.read()).value)).toBe("taken\n");
    child.kill("SIGKILL");
    await child.exited;
    expect(await migrate(parseDatabaseUrl(url), { log: silent, lockWaitMs: 10_000 })).toEqual([]);
  });

  longTest.skipIf(skipped)(
    "work that fails, or whose lock is lost, leaves no lock behind",
    async () => {
      const address = parseDatabaseUrl(await urlOf());
      const failing = withMigrationLock(address, { log: silent, waitMs }, () =>
        Promise.reject(new Error("no")),
      );
      await expect(failing).rejects.toThrow("no");
      const admin = postgres(direct, { max: 1 });
      const cut = withMigrationLock(address, { log: silent, waitMs }, async () => {
        await admin`select pg_terminate_backend(pid) from pg_locks where ${isAdvisory(admin)}`;
        await new Promise(() => {});
      });
      await expect(cut).rejects.toThrow();
      expect([...(await admin`select 1 from pg_locks where ${isAdvisory(admin)}`)]).toEqual([]);
      await admin.end();
    },
  );
});
