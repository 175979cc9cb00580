// The database of somebody who has none: PostgreSQL 17 from npm, in the data folder, on a loopback port that the system
// gives, and never alive without the process that owns it.
import { dirname } from "node:path";
import type { Logger } from "pino";
import postgres from "postgres";
import { findPackage, usableBinaries } from "./binaries.ts";
import { findAccess, openDataDir, placeCluster, prepareCluster } from "./cluster.ts";
import type { Cluster, Place } from "./cluster.ts";
import { type FolderLock, lockOwner, tryLockFolder } from "./folder-lock.ts";
import { isStopping } from "./pid-file.ts";
import {
  adminDatabase,
  appDatabase,
  clusterUrl,
  type Postmaster,
  readyPort,
  startOnFreePort,
  startPostmaster,
  stopLeftover,
} from "./postmaster.ts";

const ownerWaitMs = 3_000;
const ownerStoppingWaitMs = 15_000;
const borrowWaitMs = 60_000;
const pollMs = 50;
const restartDelayMsMin = 100;
const restartDelayMsMax = 5_000;
/** A server that ran this long did not die of how it was started. */
const healthyRunMs = 10_000;

export interface EmbeddedPostgres {
  /** Of the database gemini_coop; it stays the same until `stop`, whatever happens to PostgreSQL. */
  readonly url: string;
  /**
   * Shuts PostgreSQL down and gives the folder free; takes at most about 20 s. Calling it again returns the same promise.
   * When it was borrowed from another process it only lets go of it.
   */
  stop(): Promise<void>;
}

export interface EmbeddedOptions {
  /** Made when missing. Relative to the working folder. */
  dataDir: string;
  log: Logger;
}

/**
 * Starts the database of a data folder and owns it until `stop`, or until this process ends in whatever way: then PostgreSQL
 * shuts down by itself. If PostgreSQL dies it is started again on the same port, after 0.1 s to 5 s, for as long as it takes.
 * A PostgreSQL whose owner is dead is stopped first.
 * @throws Error with a sentence for a person: the folder has a living owner (after 3 s, 15 s while that one stops), there is
 * no PostgreSQL for this platform, the folder cannot be used, or PostgreSQL does not start within 60 s
 */
export async function startEmbeddedPostgres({
  dataDir,
  log,
}: EmbeddedOptions): Promise<EmbeddedPostgres> {
  const folder = openDataDir(dataDir);
  return start(folder, await lockFolder(folder), log);
}

/**
 * Uses the database of a data folder for a while: the one that another process runs, or else one of its own until `stop`.
 * @throws Error as startEmbeddedPostgres does, and when the owner's database is not ready within 60 s
 */
export async function borrowEmbeddedPostgres({
  dataDir,
  log,
}: EmbeddedOptions): Promise<EmbeddedPostgres> {
  const folder = openDataDir(dataDir);
  const deadline = Date.now() + borrowWaitMs;
  for (;;) {
    const lock = tryLockFolder(folder);
    if (lock) return start(folder, lock, log);
    const access = findAccess(folder);
    const port = access && (await readyPort(access));
    if (port) return { url: clusterUrl(access, port, appDatabase), stop: async () => {} };
    if (Date.now() > deadline) {
      throw new Error(
        `${lockOwner(folder)} has the database in ${folder}, but it does not become ready.`,
      );
    }
    await Bun.sleep(pollMs);
  }
}

async function start(folder: string, lock: FolderLock, log: Logger): Promise<EmbeddedPostgres> {
  const locks = [lock];
  const release = () => locks.forEach((taken) => taken.release());
  try {
    const place = placeCluster(folder, log);
    // Two data folders can point to one place: after a copy of a folder whose cluster lies elsewhere.
    const home = dirname(place.dir);
    if (home !== folder) locks.push(await lockFolder(home));
    const cluster = await makeReady(place, log);

    const ending = new AbortController();
    const postmaster = await startOnFreePort(cluster, ending.signal);
    const url = clusterUrl(cluster, postmaster.port, appDatabase);
    try {
      await createDatabase(clusterUrl(cluster, postmaster.port, adminDatabase));
    } catch (error) {
      await postmaster.stop();
      throw error;
    }
    log.info({ folder: cluster.dir, port: postmaster.port }, "embedded PostgreSQL is ready");
    const kept = keepRunning(cluster, postmaster, ending.signal, log);
    const end = async () => {
      ending.abort();
      await kept.finally(release);
      log.info("embedded PostgreSQL has stopped");
    };
    let ended: Promise<void> | undefined;
    return { url, stop: () => (ended ??= end()) };
  } catch (error) {
    release();
    throw error;
  }
}

async function makeReady(place: Place, log: Logger): Promise<Cluster> {
  const binaries = usableBinaries(findPackage(), place.account, log);
  const orphan = await stopLeftover(place.dir);
  if (orphan) log.warn({ pid: orphan }, "stopped a PostgreSQL that a dead process had left behind");
  return prepareCluster(place, binaries, log);
}

/** Starts PostgreSQL again whenever it dies. Resolves after `ending`, when it is down. */
async function keepRunning(
  cluster: Cluster,
  first: Postmaster,
  ending: AbortSignal,
  log: Logger,
): Promise<void> {
  const aborted = new Promise<void>((resolve) =>
    ending.addEventListener("abort", () => resolve(), { once: true }),
  );
  let postmaster: Postmaster | undefined = first;
  let delayMs = restartDelayMsMin;
  while (!ending.aborted) {
    const started = Date.now();
    if (postmaster) {
      await Promise.race([postmaster.exited, aborted]);
      if (ending.aborted) break;
      await postmaster.stop();
      log.error({ port: first.port }, "PostgreSQL has ended unexpectedly and is started again");
    }
    if (Date.now() - started > healthyRunMs) delayMs = restartDelayMsMin;
    await Promise.race([Bun.sleep(delayMs), aborted]);
    delayMs = Math.min(delayMs * 2, restartDelayMsMax);
    postmaster = await restart(cluster, first.port, ending, log);
  }
  await postmaster?.stop();
}

/** @returns undefined when it did not start; the reason is logged */
async function restart(
  cluster: Cluster,
  port: number,
  ending: AbortSignal,
  log: Logger,
): Promise<Postmaster | undefined> {
  try {
    ending.throwIfAborted();
    // Only the guard may have died.
    await stopLeftover(cluster.dir);
    const postmaster = await startPostmaster(cluster, port, ending);
    log.warn({ port }, "PostgreSQL runs again");
    return postmaster;
  } catch (err) {
    if (!ending.aborted) log.error({ err }, "PostgreSQL could not be started again");
    return undefined;
  }
}

/** A server that was told to stop may need a moment; a new start right after it should succeed. */
async function lockFolder(folder: string): Promise<FolderLock> {
  const started = Date.now();
  for (;;) {
    const lock = tryLockFolder(folder);
    if (lock) return lock;
    const waitMs = isStopping(`${folder}/postgres`) ? ownerStoppingWaitMs : ownerWaitMs;
    if (Date.now() - started > waitMs) {
      throw new Error(
        `The database in ${folder} is in use by ${lockOwner(folder)}: stop that one, or choose another DATA_DIR.`,
      );
    }
    await Bun.sleep(pollMs);
  }
}

async function createDatabase(adminUrl: string): Promise<void> {
  const sql = postgres(adminUrl, { max: 1, onnotice: () => {} });
  try {
    const found = await sql`select 1 as found from pg_database where datname = ${appDatabase}`;
    if (found.length === 0) await sql`create database ${sql(appDatabase)}`;
  } finally {
    await sql.end({ timeout: 5 });
  }
}
