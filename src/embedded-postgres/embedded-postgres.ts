// The database that is used when DATABASE_URL is not set: PostgreSQL 17 from npm, in the data folder, on a loopback port that
// the system chooses, and never alive without the process that owns it.
import { dirname } from "node:path";
import type { Logger } from "pino";
import postgres from "postgres";
import { findPackage, usableBinaries } from "./binaries.ts";
import { findAccess, locateCluster, openDataDir, prepareCluster } from "./cluster.ts";
import type { Cluster, ClusterLocation } from "./cluster.ts";
import { FolderLock, lockOwner } from "./folder-lock.ts";
import { isStopping } from "./pid-file.ts";
import {
  adminDatabase,
  appDatabase,
  clusterUrl,
  Postmaster,
  readyPort,
  startOnFreePort,
  stopLeftover,
} from "./postmaster.ts";

const ownerWaitMs = 3_000;
const ownerStoppingWaitMs = 15_000;
const borrowWaitMs = 60_000;
const pollMs = 50;
const restartDelayMsMin = 100;
const restartDelayMsMax = 5_000;
/** After a run of this length a later end is not blamed on the start, and the delay is short again. */
const healthyRunMs = 10_000;

export interface EmbeddedPostgres {
  /** The address of the database gemini_coop. It stays the same until `stop`, also when PostgreSQL is started again. */
  readonly url: string;
  /**
   * Shuts PostgreSQL down and releases the folder; takes at most about 20 s. Calling it again returns the same promise.
   * A database that was borrowed from another process goes on.
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
 * shuts down by itself. If PostgreSQL dies it is started again on the same port, after 0.1 s to 5 s, without an end. A
 * PostgreSQL without a living owner is stopped first.
 * @throws Error with a sentence for the user: the folder has a living owner (after 3 s, 15 s while that one stops), there is
 * no PostgreSQL for this platform, the folder cannot be used, or PostgreSQL does not start within 60 s
 */
export async function startEmbeddedPostgres({
  dataDir,
  log,
}: EmbeddedOptions): Promise<EmbeddedPostgres> {
  const folder = openDataDir(dataDir);
  return OwnedPostgres.start(folder, await lockFolder(folder), log);
}

/**
 * Uses the database of a data folder for a while: the one that another process runs, or one that this process runs until
 * `stop`.
 * @throws Error as startEmbeddedPostgres does, and when the owner's database is not ready within 60 s
 */
export async function borrowEmbeddedPostgres({
  dataDir,
  log,
}: EmbeddedOptions): Promise<EmbeddedPostgres> {
  const folder = openDataDir(dataDir);
  const deadline = Date.now() + borrowWaitMs;
  for (;;) {
    const lock = FolderLock.tryTake(folder);
    if (lock) return OwnedPostgres.start(folder, lock, log);
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

/** The database of a folder whose locks this process holds. */
class OwnedPostgres implements EmbeddedPostgres {
  readonly url: string;
  readonly #cluster: Cluster;
  readonly #locks: readonly FolderLock[];
  readonly #log: Logger;
  readonly #port: number;
  readonly #stopping = new AbortController();
  /** Settles when PostgreSQL is down after `stop`. */
  readonly #supervised: Promise<void>;
  #stopped: Promise<void> | undefined;

  private constructor(cluster: Cluster, first: Postmaster, locks: FolderLock[], log: Logger) {
    this.url = clusterUrl(cluster, first.port, appDatabase);
    this.#cluster = cluster;
    this.#locks = locks;
    this.#log = log;
    this.#port = first.port;
    this.#supervised = this.#supervise(first);
  }

  /** Releases the lock when it throws. */
  static async start(folder: string, lock: FolderLock, log: Logger): Promise<OwnedPostgres> {
    const locks = [lock];
    try {
      const location = locateCluster(folder, log);
      // Two data folders can lead to one cluster: after a copy of a folder with a link to its cluster.
      const home = dirname(location.dir);
      if (home !== folder) locks.push(await lockFolder(home));
      const cluster = await makeReady(location, log);
      const postmaster = await startOnFreePort(cluster, new AbortController().signal);
      try {
        await createDatabase(clusterUrl(cluster, postmaster.port, adminDatabase));
      } catch (error) {
        await postmaster.stop();
        throw error;
      }
      log.info({ folder: cluster.dir, port: postmaster.port }, "embedded PostgreSQL is ready");
      return new OwnedPostgres(cluster, postmaster, locks, log);
    } catch (error) {
      for (const taken of locks) taken.release();
      throw error;
    }
  }

  stop(): Promise<void> {
    return (this.#stopped ??= this.#stop());
  }

  async #stop(): Promise<void> {
    this.#stopping.abort();
    await this.#supervised.finally(() => {
      for (const lock of this.#locks) lock.release();
    });
    this.#log.info("embedded PostgreSQL has stopped");
  }

  /** Starts PostgreSQL again whenever it dies. Resolves after `stop`, when it is down. */
  async #supervise(first: Postmaster): Promise<void> {
    const { signal } = this.#stopping;
    const aborted = new Promise<void>((resolve) =>
      signal.addEventListener("abort", () => resolve(), { once: true }),
    );
    let postmaster: Postmaster | undefined = first;
    let delayMs = restartDelayMsMin;
    while (!signal.aborted) {
      const started = Date.now();
      if (postmaster) {
        await Promise.race([postmaster.exited, aborted]);
        if (signal.aborted) break;
        await postmaster.stop();
        this.#log.error(
          { port: this.#port },
          "PostgreSQL has ended unexpectedly and is started again",
        );
      }
      if (Date.now() - started > healthyRunMs) delayMs = restartDelayMsMin;
      await Promise.race([Bun.sleep(delayMs), aborted]);
      delayMs = Math.min(delayMs * 2, restartDelayMsMax);
      postmaster = await this.#restart();
    }
    await postmaster?.stop();
  }

  /** @returns undefined when it did not start; the reason is logged */
  async #restart(): Promise<Postmaster | undefined> {
    const { signal } = this.#stopping;
    try {
      signal.throwIfAborted();
      // If only the watchdog died, PostgreSQL still runs.
      await stopLeftover(this.#cluster.dir);
      const postmaster = await Postmaster.start(this.#cluster, this.#port, signal);
      this.#log.warn({ port: this.#port }, "PostgreSQL runs again");
      return postmaster;
    } catch (err) {
      if (!signal.aborted) this.#log.error({ err }, "PostgreSQL could not be started again");
      return undefined;
    }
  }
}

async function makeReady(location: ClusterLocation, log: Logger): Promise<Cluster> {
  const binaries = usableBinaries(findPackage(), location.account, log);
  const orphan = await stopLeftover(location.dir);
  if (orphan) log.warn({ pid: orphan }, "stopped a PostgreSQL that a dead process had left behind");
  return prepareCluster(location, binaries, log);
}

/** Waits for the lock, since a server that was told to stop may need a moment, and a start right after it should succeed. */
async function lockFolder(folder: string): Promise<FolderLock> {
  const started = Date.now();
  for (;;) {
    const lock = FolderLock.tryTake(folder);
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
