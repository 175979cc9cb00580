// Where faults are played: the real server as a child, people who are registered with it, and a database that is the
// server's own, or a victim behind a proxy.
import { chmodSync, mkdtempSync, readFileSync, realpathSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pino } from "pino";
import { parseDatabaseUrl } from "../../../src/config/database-address.ts";
import { connect, type Sql } from "../../../src/database/connect.ts";
import {
  borrowEmbeddedPostgres,
  startEmbeddedPostgres,
} from "../../../src/embedded-postgres/embedded-postgres.ts";
import type { Cast } from "./load.ts";
import { startModel, type ScriptedModel } from "./model.ts";
import { registerPerson } from "./people.ts";
import { createServerPair, type ServerPair } from "./pair.ts";
import { startProxy, type Proxy } from "./proxy.ts";
import type { Random } from "./random.ts";
import { createServerChild, type ServerChild } from "./server.ts";

const log = pino({ level: "silent" });
const pollMs = 20;
/** What is asked is to be answered, however much it is. */
const noBudgets = {
  BUDGET_TOKENS_PER_USER_DAY: "0",
  BUDGET_TOKENS_PER_CHAT_DAY: "0",
  BUDGET_ANSWERS_PER_USER: "0",
  BUDGET_ANSWERS_PER_CHAT: "0",
  BUDGET_ANSWERS_TOTAL: "0",
};
const backMsMax = 30_000;

/** What people use: one server, or several that look like one. */
export type Served = Pick<ServerChild, "url" | "kills" | "servers" | "lastLines">;

export interface Stage {
  server: Served;
  model: ScriptedModel;
  cast: Cast;
  openDatabase: () => Promise<Sql>;
  takeIncidents: () => string[];
  stop: () => Promise<void>;
}

export interface KillStage extends Stage {
  server: ServerChild;
}

/** A stage whose server has an embedded database of its own, which dies with it. */
export async function openKillStage(): Promise<KillStage> {
  const dataDir = makeFolder();
  const stop = async () => undefined;
  return await openStage({ dataDir, env: {}, create: createServerChild, openDatabase, stop });

  async function openDatabase() {
    const folder = join(dataDir, "data");
    const { url } = await borrowEmbeddedPostgres({ dataDir: folder, log });
    return connect(parseDatabaseUrl(url), log, { max: 2 });
  }
}

export interface PairStage extends Stage {
  server: ServerPair;
}

/** A stage with two servers on one database, behind a balancer. */
export async function openPairStage(): Promise<PairStage> {
  const dataDir = makeFolder();
  const cluster = await startEmbeddedPostgres({ dataDir: join(dataDir, "cluster"), log });
  return await openStage({
    dataDir,
    env: { DATABASE_URL: cluster.url, SECRET_KEY: crypto.randomUUID() },
    create: createServerPair,
    openDatabase: async () => connect(parseDatabaseUrl(cluster.url), log, { max: 2 }),
    stop: () => cluster.stop(),
  });
}

export interface DatabaseStage extends KillStage {
  proxy: Proxy;
  victim: Victim;
}

/** The PostgreSQL that is stopped, and whose connections are ended. */
export interface Victim {
  open: () => Sql;
  /** Ends it at once, without a checkpoint or a word to its clients; it is started again by its owner. */
  stopAtOnce: () => Promise<void>;
  /** As {@link stopAtOnce}, but it is gone for a while, and its port with it. */
  goAway: (ms: number) => Promise<void>;
}

/** A stage whose server reaches PostgreSQL through a proxy. */
export async function openDatabaseStage(random: Random): Promise<DatabaseStage> {
  const dataDir = makeFolder();
  const clusterDir = join(dataDir, "cluster");
  let cluster = await startEmbeddedPostgres({ dataDir: clusterDir, log });
  const proxy = await startProxy(cluster.url, random);
  const open = () => connect(parseDatabaseUrl(cluster.url), log, { max: 2 });

  function quit() {
    const pidFile = readFileSync(join(clusterDir, "postgres", "postmaster.pid"), "utf8");
    process.kill(parseInt(pidFile, 10), "SIGQUIT");
  }
  const victim: Victim = {
    open,
    async stopAtOnce() {
      const before = await startedAt(open());
      quit();
      const deadline = performance.now() + backMsMax;
      for (;;) {
        const now = await startedAt(open());
        if (now !== undefined && now !== before) return;
        if (performance.now() > deadline) throw new Error("PostgreSQL did not come back");
        await Bun.sleep(pollMs);
      }
    },
    async goAway(ms) {
      await proxy.refuse();
      quit();
      await cluster.stop();
      await Bun.sleep(ms);
      cluster = await startEmbeddedPostgres({ dataDir: clusterDir, log });
      await proxy.accept(Number(new URL(cluster.url).port));
    },
  };

  const stage = await openStage({
    dataDir,
    env: { DATABASE_URL: proxy.url },
    create: createServerChild,
    openDatabase: async () => open(),
    stop: async () => {
      await proxy.stop();
      await cluster.stop();
    },
  });
  return { ...stage, proxy, victim };
}

/** When PostgreSQL was started; undefined while it does not answer. */
async function startedAt(sql: Sql): Promise<string | undefined> {
  try {
    const [row] = await sql`select pg_postmaster_start_time()::text as at`;
    return String(row?.at);
  } catch {
    return undefined;
  } finally {
    await sql.end({ timeout: 1 });
  }
}

interface Startable extends Served {
  start: () => Promise<unknown>;
  stop: () => Promise<unknown>;
}

async function openStage<S extends Startable>({
  dataDir,
  env,
  create,
  openDatabase,
  stop,
}: {
  dataDir: string;
  env: Record<string, string>;
  create: (env: Record<string, string>, onDied: (words: string) => void) => S;
  openDatabase: () => Promise<Sql>;
  stop: () => Promise<void>;
}) {
  const incidents: string[] = [];
  const model = startModel();
  const server = create(
    {
      NODE_ENV: "test",
      LOG_LEVEL: "warn",
      DATA_DIR: join(dataDir, "data"),
      GEMINI_BASE_URL: model.url,
      ACCESS_TOKEN_EXPIRE_MINUTES: "6000",
      RATE_LIMITS: "off",
      ...noBudgets,
      ...env,
    },
    (words) => void incidents.push(words),
  );
  const stopAll = async () => {
    await server.stop();
    await model.stop();
    await stop();
    rmSync(dataDir, { recursive: true, force: true, maxRetries: 5 });
  };
  try {
    await server.start();
    const register = (name: string) => registerPerson(server.url, name);
    const [owner, ann, ben, gil, gus] = await Promise.all([
      register("owner"),
      register("ann"),
      register("ben"),
      register("gil"),
      register("gus"),
    ]);
    const cast = { owner, members: [ann, ben], guests: [gil, gus] };
    const takeIncidents = () => incidents.splice(0);
    return { server, model, cast, openDatabase, takeIncidents, stop: stopAll };
  } catch (error) {
    await stopAll();
    throw error;
  }
}

function makeFolder(): string {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), "gemini-coop-faults-")));
  // As root, another account runs PostgreSQL.
  chmodSync(folder, 0o755);
  return folder;
}
