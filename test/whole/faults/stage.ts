// Where faults are played: the real server as a child, people who are registered with it, and a database that is the
// server's own, or a victim behind a proxy.
import { chmodSync, existsSync, mkdtempSync, readFileSync, realpathSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pino } from "pino";
import { parseDatabaseUrl } from "../../../src/config/database-address.ts";
import { connect, type Sql } from "../../../src/database/connect.ts";
import {
  borrowEmbeddedPostgres,
  startEmbeddedPostgres,
} from "../../../src/embedded-postgres/embedded-postgres.ts";
import { Cleanup } from "../../world/cleanup.ts";
import { prepareDataFolder } from "../../world/data-folder.ts";
import { removeFolder } from "../../world/folder.ts";
import type { Cast } from "./load.ts";
import { startModel, type ScriptedModel } from "./model.ts";
import { registerPerson } from "./people.ts";
import { createServerGroup, type ServerGroup } from "./server-group.ts";
import { createNats, type Nats } from "../../world/nats.ts";
import { startNatsProxy, type NatsProxy } from "../../world/nats-proxy.ts";
import { startProxy, type Proxy } from "./proxy.ts";
import type { Random } from "./random.ts";
import { createServerChild, type ServerChild } from "./server.ts";

const log = pino({ level: "silent" });
const pollMs = 20;
/** Budgets are off, so that every question is answered and every file stored. */
const noBudgets = {
  FILE_BYTES_PER_USER_DAY: "0",
  FILE_BYTES_PER_CHAT_DAY: "0",
  BUDGET_TOKENS_PER_USER_DAY: "0",
  BUDGET_TOKENS_PER_CHAT_DAY: "0",
  BUDGET_ANSWERS_PER_USER: "0",
  BUDGET_ANSWERS_PER_CHAT: "0",
  BUDGET_ANSWERS_TOTAL: "0",
  BUDGET_IMAGES_PER_USER_DAY: "0",
  BUDGET_IMAGES_PER_CHAT_DAY: "0",
};
const backMsMax = 30_000;

/** The service that people use: one server, or several behind one URL. */
export type Served = Pick<ServerChild, "url" | "kills" | "servers" | "lastLines">;

export interface Stage {
  server: Served;
  model: ScriptedModel;
  cast: Cast;
  openDatabase: () => Promise<Sql>;
  filesFolder: string;
  takeIncidents: () => string[];
  stop: () => Promise<void>;
}

export interface KillStage extends Stage {
  server: ServerChild;
}

/** A stage whose server has an embedded database of its own, which dies with it. */
export async function openKillStage(program: Cleanup): Promise<KillStage> {
  const { cleanup, dataDir } = beginStage(program);
  prepareDataFolder(join(dataDir, "data"));
  return await openStage({ cleanup, dataDir, env: {}, create: createServerChild, openDatabase });

  async function openDatabase() {
    const folder = join(dataDir, "data");
    const { url } = await borrowEmbeddedPostgres({ dataDir: folder, log });
    return connect(parseDatabaseUrl(url), log, { max: 2 });
  }
}

export interface GroupStage extends Stage {
  server: ServerGroup;
}

/** A stage with two servers on one database, behind a balancer, that tell each other nothing. */
export async function openPairStage(program: Cleanup): Promise<GroupStage> {
  return await openGroupStage(beginStage(program), [{}, {}]);
}

export interface BusStage extends GroupStage {
  nats: Nats;
  /** Stands before NATS, one for each server. */
  proxies: NatsProxy[];
}

/** A stage with servers that share one database and one NATS. */
export async function openBusStage(
  program: Cleanup,
  random: Random,
  servers: number,
): Promise<BusStage> {
  const begun = beginStage(program);
  const { cleanup } = begun;
  const nats = createNats();
  cleanup.add(() => nats.stop());
  await nats.start();
  const proxies: NatsProxy[] = [];
  for (let n = 0; n < servers; n += 1) {
    const proxy = await startNatsProxy(nats.url, (share) => random.chance(share));
    cleanup.add(async () => proxy.stop());
    proxies.push(proxy);
  }
  const envs = proxies.map(({ url }) => ({ NATS_URL: url }));
  return { ...(await openGroupStage(begun, envs)), nats, proxies };
}

async function openGroupStage(
  { cleanup, dataDir }: ReturnType<typeof beginStage>,
  ownEnvs: readonly Record<string, string>[],
): Promise<GroupStage> {
  const starting = startEmbeddedPostgres({
    dataDir: prepareDataFolder(join(dataDir, "cluster")),
    log,
  });
  cleanup.add(async () => (await starting).stop());
  const cluster = await starting;
  return await openStage({
    cleanup,
    dataDir,
    env: { DATABASE_URL: cluster.url, SECRET_KEY: crypto.randomUUID() },
    create: (env, onDied, own) => createServerGroup(env, ownEnvs, onDied, own),
    openDatabase: async () => connect(parseDatabaseUrl(cluster.url), log, { max: 2 }),
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
export async function openDatabaseStage(program: Cleanup, random: Random): Promise<DatabaseStage> {
  const { cleanup, dataDir } = beginStage(program);
  const clusterDir = prepareDataFolder(join(dataDir, "cluster"));
  let starting = startEmbeddedPostgres({ dataDir: clusterDir, log });
  cleanup.add(async () => (await starting).stop());
  let cluster = await starting;
  const proxy = await startProxy(cluster.url, random);
  cleanup.add(() => proxy.stop());
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
      cleanup.check();
      starting = startEmbeddedPostgres({ dataDir: clusterDir, log });
      cluster = await starting;
      await proxy.accept(Number(new URL(cluster.url).port));
    },
  };

  const stage = await openStage({
    cleanup,
    dataDir,
    env: { DATABASE_URL: proxy.url },
    create: createServerChild,
    openDatabase: async () => open(),
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
  cleanup,
  dataDir,
  env,
  create,
  openDatabase,
}: {
  cleanup: Cleanup;
  dataDir: string;
  env: Record<string, string>;
  create: (env: Record<string, string>, onDied: (words: string) => void, cleanup: Cleanup) => S;
  openDatabase: () => Promise<Sql>;
}) {
  const incidents: string[] = [];
  const filesFolder = join(dataDir, "data", "files");
  const model = startModel();
  cleanup.add(() => model.stop());
  const server = create(
    {
      NODE_ENV: "test",
      LOG_LEVEL: "warn",
      DATA_DIR: join(dataDir, "data"),
      FILES_DIR: filesFolder,
      GEMINI_BASE_URL: model.url,
      GEMINI_IMAGE_MODEL: "gemini-image",
      ACCESS_TOKEN_EXPIRE_MINUTES: "6000",
      RATE_LIMITS: "off",
      WEBHOOK_ALLOW: "127.0.0.1",
      ...noBudgets,
      ...env,
    },
    (words) => void incidents.push(words),
    cleanup,
  );
  cleanup.add(() => server.stop());
  const stop = () => cleanup.run();
  try {
    await server.start();
    const register = (name: string) => registerPerson(server.url, name);
    const [owner, ann, ben, gil, gus, absentee, stranger] = await Promise.all([
      register("owner"),
      register("ann"),
      register("ben"),
      register("gil"),
      register("gus"),
      register("lee"),
      register("sam"),
    ]);
    const cast = { owner, members: [ann, ben], guests: [gil, gus], absentee, stranger };
    const takeIncidents = () => incidents.splice(0);
    return { server, model, cast, filesFolder, openDatabase, takeIncidents, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** A stage's folder, and the tasks that end the stage, which are among those of the program. */
function beginStage(program: Cleanup) {
  const cleanup = new Cleanup();
  program.add(() => cleanup.run());
  const dataDir = realpathSync(mkdtempSync(join(tmpdir(), "gemini-coop-faults-")));
  // As root, another account runs PostgreSQL.
  chmodSync(dataDir, 0o755);
  cleanup.add(async () => {
    await untilStopped(join(dataDir, "data", "postgres", "postmaster.pid"));
    removeFolder(dataDir);
  });
  return { cleanup, dataDir };
}

/** The embedded PostgreSQL of a server that was killed stops by itself, shortly afterwards. */
async function untilStopped(pidFile: string) {
  const deadline = performance.now() + backMsMax;
  while (existsSync(pidFile) && performance.now() < deadline) await Bun.sleep(pollMs);
}
