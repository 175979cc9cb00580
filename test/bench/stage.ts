// The database, the servers and the scripted model of a benchmark.
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { pino } from "pino";
import postgres from "postgres";
import { makeSecret } from "../../src/accounts/access-tokens.ts";
import { startEmbeddedPostgres } from "../../src/embedded-postgres/embedded-postgres.ts";
import type { Cleanup } from "../world/cleanup.ts";
import type { Bench, Side } from "./bench.ts";
import { Child } from "./child.ts";
import { fill } from "./data.ts";
import type { Scale } from "./scale.ts";

const ownRoot = join(import.meta.dir, "../..");

export interface StageOptions {
  cleanup: Cleanup;
  scale: Scale;
  /** A folder that does not exist yet, and that PostgreSQL's own account can reach. */
  folder: string;
  /** The checkout whose server is measured. */
  root?: string;
  /** An empty database. One is started in the folder otherwise. */
  databaseUrl?: string | undefined;
}

/**
 * Starts the server of a checkout on a database of its own, and fills that. The server is `src/main.ts`, controlled by its
 * environment, HTTP and sockets, because these change less between commits than its modules do.
 */
export async function openStage(options: StageOptions): Promise<Bench> {
  const { cleanup, scale, folder, root = ownRoot } = options;
  mkdirSync(folder, { mode: 0o755 });
  const databaseUrl = options.databaseUrl ?? (await startDatabase(cleanup, folder));
  const secretKey = makeSecret();
  const own = (script: string) => join(import.meta.dir, script);
  const gemini = await Child.start(cleanup, { script: own("gemini.ts"), env: {}, folder });
  const programs = {
    product: {
      script: join(root, "src/main.ts"),
      env: environment(databaseUrl, secretKey, gemini.url),
      folder,
    },
    reference: { script: own("reference.ts"), env: { DATABASE_URL: databaseUrl }, folder },
  };
  const start = (side: Side) => Child.start(cleanup, programs[side]);
  // Its start makes the tables.
  const product = await start("product");
  const sql = postgres(databaseUrl, { max: 2, onnotice: () => undefined });
  cleanup.add(() => sql.end({ timeout: 1 }));
  await fill(sql, scale);
  const reference = await start("reference");
  return {
    cleanup,
    scale,
    databaseUrl,
    sql,
    product,
    reference,
    gemini,
    ownsCluster: options.databaseUrl === undefined,
    secretKey,
    startAnother: start,
    turns: [],
    warm: new Set(),
  };
}

async function startDatabase(cleanup: Cleanup, folder: string): Promise<string> {
  cleanup.check();
  const starting = startEmbeddedPostgres({
    dataDir: join(folder, "data"),
    log: pino({ level: "error" }),
  });
  cleanup.add(async () => (await starting).stop());
  return (await starting).url;
}

/** The server without the limits that would restrict a load test. */
function environment(databaseUrl: string, secretKey: string, geminiUrl: string) {
  return {
    NODE_ENV: "test",
    LOG_LEVEL: "error",
    DATABASE_URL: databaseUrl,
    SECRET_KEY: secretKey,
    RATE_LIMITS: "off",
    SOCKETS_PER_USER: "0",
    SOCKETS_PER_ADDRESS: "0",
    GEMINI_API_KEY: "none",
    GEMINI_BASE_URL: geminiUrl,
    BUDGET_TOKENS_PER_USER_DAY: "0",
    BUDGET_TOKENS_PER_CHAT_DAY: "0",
    BUDGET_ANSWERS_PER_USER: "0",
    BUDGET_ANSWERS_PER_CHAT: "0",
    BUDGET_ANSWERS_TOTAL: "0",
    FILE_BYTES_PER_USER_DAY: "0",
    FILE_BYTES_PER_CHAT_DAY: "0",
  };
}
