// Preload of every test run: one PostgreSQL for the process, with a migrated template that each world clones.
// It ends with the process, however that ends; folders that a killed run left behind go at the next start.
import { readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pino } from "pino";
import postgres from "postgres";
import { startEmbeddedPostgres } from "../src/database/embedded.ts";
import { migrate } from "../src/database/migrate.ts";
import { provideCluster } from "./world/cluster.ts";

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
  const pid = Number(name.slice(prefix.length));
  if (name.startsWith(prefix) && !isAlive(pid)) {
    rmSync(join(tmpdir(), name), { recursive: true, force: true });
  }
}

const dataDir = join(tmpdir(), `${prefix}${process.pid}`);
const { url } = await startEmbeddedPostgres({ dataDir, log });
process.on("exit", () => {
  const [pid] = readFileSync(join(dataDir, "postgres", "postmaster.pid"), "utf8").split("\n");
  process.kill(Number(pid), "SIGQUIT");
  rmSync(dataDir, { recursive: true, force: true, maxRetries: 5 });
});

await migrate(url, { log });
provideCluster({ url, template: new URL(url).pathname.slice(1) });
// Its notices are of no interest, and no connection to the template may stay: it could not be cloned then.
await postgres(url, { max: 1, onnotice: () => undefined }).end();
