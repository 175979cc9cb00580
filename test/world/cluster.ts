// The PostgreSQL of a test run, and the databases in it that tests use.
import { readdirSync, rmSync, statfsSync } from "node:fs";
import { appendFile, chmod, mkdtemp } from "node:fs/promises";
import { freemem, tmpdir } from "node:os";
import { join } from "node:path";
import { pino, type Logger } from "pino";
import postgres from "postgres";
import { parseDatabaseUrl } from "../../src/config/database-address.ts";
import { connect, type Sql } from "../../src/database/connect.ts";
import { startEmbeddedPostgres } from "../../src/embedded-postgres/embedded-postgres.ts";
import { copyDataFolder, makeDataFolder } from "./data-folder.ts";
import { emptyIfUnchanged, emptyThroughPool, fingerprintOf } from "./emptying.ts";

/** The setting by which `bun run check` tells its workers the address of the cluster that they share. */
export const clusterSetting = "TEST_CLUSTER_URL";

const prefix = "gemini-coop-test-";

/** Linux keeps files in memory there. A database is cloned ten times as fast in it as on a disk that others write to as well. */
const memoryFolder = "/dev/shm";
/** More than the databases of a run take; otherwise they are on the disk. */
const memoryBytesMin = 8 * 1024 ** 3;

/** As many as a server's pool has: statements that wait for locks leave connections to those that do not. */
export const poolMax = 10;
/** Tests hold locks until others wait for them, which may take long on a busy machine. */
const lockTimeoutMs = 15_000;
/** A server's connections plan a statement five times before they keep a plan, which costs more than all that tests look up. */
const poolOptions = "-c plan_cache_mode=force_generic_plan";

interface Cluster {
  /** The URL of the migrated template database. */
  url: string;
  template: string;
  /** The schema of the template. */
  fingerprint: string;
}

/** A migrated database with the pool of a server. */
export interface PooledDatabase {
  readonly url: string;
  readonly sql: Sql;
  /** The application_name of the pool's connections. */
  readonly name: string;
}

let cluster: Cluster | undefined;
let created = 0;
/** Databases that were given back, as empty as the template. */
const spare: string[] = [];
/** A database that was given back with its pool. One is enough: hardly any test has two worlds at a time. */
let sparePool: PooledDatabase | undefined;

/**
 * Starts a cluster with a migrated database, which ends with this process, however that ends. The folders of processes that
 * have ended are removed first, since a worker of a parallel run is not told of its end.
 * @param place where its databases are
 * @returns the address of the migrated database; a data folder with a database like it; a folder for everything else that the
 * tests write; and a function that stops the cluster and removes everything
 */
export async function startCluster(place: string = tmpdir()) {
  const log = pino({ level: "silent" });
  for (const parent of new Set([tmpdir(), place])) removeLeftFolders(parent);
  const folder = await makeFolder(tmpdir());
  const databases = await makeFolder(place);
  const dataFolder = join(databases, "data");
  await makeDataFolder(dataFolder, log);
  const dataDir = join(databases, "cluster");
  copyDataFolder(dataFolder, dataDir);
  // It would look into each of some hundred databases once a minute, which a test run does not need.
  await appendFile(join(dataDir, "postgres", "postgresql.conf"), "autovacuum = off\n");
  const database = await startEmbeddedPostgres({ dataDir, log });
  return {
    url: database.url,
    folder,
    dataFolder,
    async stop() {
      await database.stop();
      for (const each of [folder, databases]) rmSync(each, { recursive: true, force: true });
    },
  };
}

/** A folder for the databases of a run of many files. The run has to stop its cluster: memory that is left is missed. */
export function fastestFolder(): string {
  try {
    const { bavail, bsize } = statfsSync(memoryFolder);
    if (Math.min(bavail * bsize, freemem()) >= memoryBytesMin) return memoryFolder;
  } catch {
    // There is no such folder.
  }
  return tmpdir();
}

/** Removes the folders of processes that have ended. */
function removeLeftFolders(parent: string): void {
  for (const name of readdirSync(parent)) {
    const [, pid] = new RegExp(`^${prefix}(\\d+)-`).exec(name) ?? [];
    if (pid && !isAlive(Number(pid))) {
      rmSync(join(parent, name), { recursive: true, force: true });
    }
  }
}

async function makeFolder(parent: string): Promise<string> {
  const folder = await mkdtemp(join(parent, `${prefix}${process.pid}-`));
  // PostgreSQL's own user has to reach it where the tests run as root.
  await chmod(folder, 0o755);
  return folder;
}

/** Makes the databases of this process come from a cluster. The preload calls it once. */
export async function useCluster(url: string): Promise<void> {
  cluster = {
    url,
    template: new URL(url).pathname.slice(1),
    fingerprint: await fingerprintOf(url),
  };
}

/**
 * A migrated, empty database of one's own. It need not be a new one: emptying one that was given back is far cheaper than
 * cloning the template.
 * @returns its address
 */
export async function borrowDatabase(): Promise<string> {
  return spare.pop() ?? (await createDatabase());
}

/**
 * A migrated database that no test has used. Where rows were updated and deleted, PostgreSQL does not use a new index while any
 * transaction of the cluster is older than it. https://www.postgresql.org/docs/17/catalog-pg-index.html (indcheckxmin)
 * @returns its address
 */
export function newDatabase(): Promise<string> {
  return createDatabase();
}

/** A database without tables. @returns its address */
export function emptyDatabase(): Promise<string> {
  return createDatabase("template1");
}

/**
 * Empties a database for the next borrower. One whose schema or settings a test has changed stays behind until the cluster
 * goes: ext4 makes new files slowly for a minute after many were deleted, which made all clones slower than they had to be.
 */
export async function giveBackDatabase(url: string): Promise<void> {
  if (await emptyIfUnchanged(url, known().fingerprint)) spare.push(url);
}

/**
 * A database with the pool of a server that writes to a log.
 * @param databaseUrl undefined: a migrated, empty one
 * @param lockTimeoutMs undefined: that of a real server where the pool is not one of those that are used again
 * @returns them, and a function that gives both back
 */
export async function openDatabase(
  databaseUrl: string | undefined,
  log: Logger,
  lockTimeoutMs: number | undefined,
) {
  // A pool that reports to a log, or has another time limit, is of no use to the next borrower.
  if (databaseUrl === undefined && lockTimeoutMs === undefined && log.level === "silent") {
    const pooled = await borrowPool();
    return { databaseUrl: pooled.url, sql: pooled.sql, release: () => giveBackPool(pooled) };
  }
  const url = databaseUrl ?? (await borrowDatabase());
  const sql = connect(parseDatabaseUrl(url), log, { lockTimeoutMs });
  const release = async () => {
    await sql.end({ timeout: 1 });
    await giveBackDatabase(url);
  };
  return { databaseUrl: url, sql, release };
}

/**
 * A migrated, empty database with a pool. The connections of a pool that was given back know the catalogue and have planned
 * most statements, which costs PostgreSQL more than most tests do.
 */
export async function borrowPool(): Promise<PooledDatabase> {
  const borrowed = sparePool;
  sparePool = undefined;
  if (borrowed) return borrowed;
  const url = await borrowDatabase();
  const name = `world of ${new URL(url).pathname.slice(1)}`;
  const address = { ...parseDatabaseUrl(url), applicationName: name, options: poolOptions };
  return {
    url,
    name,
    sql: connect(address, pino({ level: "silent" }), { max: poolMax, lockTimeoutMs }),
  };
}

/** Empties a database, and keeps its pool for the next borrower. */
export async function giveBackPool(pooled: PooledDatabase): Promise<void> {
  const { url, sql, name } = pooled;
  if (!sparePool && (await emptyThroughPool(sql, name, known().fingerprint))) {
    sparePool = pooled;
    return;
  }
  await sql.end({ timeout: 1 });
  await giveBackDatabase(url);
}

/** Drops a database at once, for a test that needs it to be gone. */
export async function dropDatabase(url: string): Promise<void> {
  const { sql } = admin();
  await sql.unsafe(`drop database if exists ${new URL(url).pathname.slice(1)} with (force)`);
  await sql.end();
}

function known(): Cluster {
  if (!cluster) throw new Error("run this with `bun test`: its preload starts PostgreSQL");
  return cluster;
}

function admin() {
  const { url, template } = known();
  const address = new URL(url);
  address.pathname = "/postgres";
  return { sql: postgres(address.href, { max: 1, onnotice: () => undefined }), url, template };
}

async function createDatabase(source?: string): Promise<string> {
  const { sql, url, template } = admin();
  created += 1;
  const name = `test_${process.pid}_${created}`;
  await sql.unsafe(`create database ${name} template ${source ?? template} strategy file_copy`);
  await sql.end();
  const address = new URL(url);
  address.pathname = `/${name}`;
  return address.href;
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
