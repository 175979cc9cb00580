// Preload of every test run: one PostgreSQL for the process, with a migrated template that each world clones.
// It ends with the process, however that ends; its folder goes at the next start, since a worker of a parallel run
// is told of no end.
import { readdirSync, rmSync } from "node:fs";
import { chmod, mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pino } from "pino";
import { parseDatabaseUrl } from "../src/config/database-address.ts";
import { startEmbeddedPostgres } from "../src/embedded-postgres/embedded-postgres.ts";
import { migrate } from "../src/database/migrations/migrate.ts";
import { provideCluster } from "./world/cluster.ts";
import { watchAnswers } from "./world/contract.ts";

const prefix = "gemini-coop-test-";
const log = pino({ level: "silent" });

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

for (const name of readdirSync(tmpdir())) {
  const [, pid] = new RegExp(`^${prefix}(\\d+)-`).exec(name) ?? [];
  if (pid && !isAlive(Number(pid))) rmSync(join(tmpdir(), name), { recursive: true, force: true });
}

const folder = await mkdtemp(join(tmpdir(), `${prefix}${process.pid}-`));
// PostgreSQL's own user has to reach it where the tests run as root.
await chmod(folder, 0o755);
const { url } = await startEmbeddedPostgres({ dataDir: folder, log });
await migrate(parseDatabaseUrl(url), { log });
provideCluster({ url, template: new URL(url).pathname.slice(1) });
watchAnswers();
