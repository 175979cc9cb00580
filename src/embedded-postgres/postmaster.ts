// One run of PostgreSQL's server process on a cluster, and the cleaning up after an earlier run.
import { join } from "node:path";
import postgres from "postgres";
import { type Access, type Cluster, databaseUser } from "./cluster.ts";
import { disownPidFile, livePostmaster, readPidFile } from "./pid-file.ts";
import { WatchedProcess } from "./watchdog.ts";

const startTimeoutMs = 60_000;
const fastShutdownTimeoutMs = 10_000;
const leftoverTimeoutMs = 15_000;
const immediateShutdownTimeoutMs = 5_000;
const pollMs = 20;
const retryDelayMs = 100;

export const adminDatabase = "postgres";
export const appDatabase = "gemini_coop";

/** PostgreSQL ended before it was ready; `log` is its output. */
export class StartFailed extends Error {
  readonly log: string;
  constructor(log: string) {
    super(`PostgreSQL did not start:\n${log}`);
    this.name = "StartFailed";
    this.log = log;
  }
  get portTaken(): boolean {
    return this.log.includes("could not create any TCP/IP sockets");
  }
  /** Processes of a dying server are still there; or it was just starting, and had no pid file yet. */
  get stillInUse(): boolean {
    return /pre-existing shared memory block|lock file "postmaster\.pid" already exists/.test(
      this.log,
    );
  }
}

/** One run of PostgreSQL's server process. */
export class Postmaster {
  readonly port: number;
  readonly #dir: string;
  readonly #process: WatchedProcess;

  private constructor({ dir }: Cluster, port: number, process: WatchedProcess) {
    this.port = port;
    this.#dir = dir;
    this.#process = process;
  }

  /**
   * Starts PostgreSQL and waits until it takes connections, at most 60 s. The caller holds the lock of the folder and has
   * called stopLeftover.
   * @throws StartFailed when it ends by itself, Error when it is not ready in time or `signal` aborts; it does not run then
   */
  static async start(cluster: Cluster, port: number, signal: AbortSignal): Promise<Postmaster> {
    const command = [join(cluster.binaries, "postgres"), "-D", cluster.dir, ...settings(port)];
    const process = new WatchedProcess(command, cluster);
    const postmaster = new Postmaster(cluster, port, process);

    const deadline = Date.now() + startTimeoutMs;
    while (!(await isReady(cluster, port))) {
      if (process.exitCode !== null) throw new StartFailed(process.output);
      if (signal.aborted || Date.now() > deadline) {
        await postmaster.stop();
        signal.throwIfAborted();
        throw new Error(
          `PostgreSQL was not ready after ${startTimeoutMs / 1000} s; see ${cluster.logFile}.`,
        );
      }
      await Bun.sleep(pollMs);
    }
    return postmaster;
  }

  /** Resolves when it no longer runs, for whatever reason. */
  get exited(): Promise<unknown> {
    return this.#process.exited;
  }

  /** Shuts down fast (clients are cut off, nothing committed is lost); after 10 s immediately. Resolves when it is gone. */
  async stop(): Promise<void> {
    this.#process.interrupt();
    let ended = await this.#process.exitsWithin(fastShutdownTimeoutMs);
    for (const signal of ended ? [] : (["SIGQUIT", "SIGKILL"] as const)) {
      const pid = livePostmaster(this.#dir);
      if (pid !== undefined) send(pid, signal);
      ended ||= await this.#process.exitsWithin(immediateShutdownTimeoutMs);
    }
    // If only the watchdog was killed, PostgreSQL still runs.
    await stopLeftover(this.#dir);
  }
}

export function clusterUrl({ password }: Access, port: number, database: string): string {
  return `postgres://${databaseUser}:${password}@127.0.0.1:${port}/${database}`;
}

/**
 * Starts on a port that the system chooses, and for 15 s on others when that one was taken in the meantime.
 * @throws as Postmaster.start does
 */
export async function startOnFreePort(
  cluster: Cluster,
  signal: AbortSignal,
  choosePort = freePort,
): Promise<Postmaster> {
  const deadline = Date.now() + leftoverTimeoutMs;
  for (;;) {
    try {
      return await Postmaster.start(cluster, choosePort(), signal);
    } catch (error) {
      const isTransient = error instanceof StartFailed && (error.portTaken || error.stillInUse);
      if (!isTransient || Date.now() > deadline) throw error;
      await Bun.sleep(retryDelayMs);
      await stopLeftover(cluster.dir);
    }
  }
}

/**
 * Stops a PostgreSQL that runs on the folder without an owner, waiting at most 20 s, and makes the pid file of a dead one
 * harmless. The caller holds the lock of the folder.
 * @returns the process id of the server that was stopped
 * @throws Error when it does not stop
 */
export async function stopLeftover(dir: string): Promise<number | undefined> {
  const pid = livePostmaster(dir);
  if (pid === undefined) {
    disownPidFile(dir);
    return undefined;
  }
  send(pid, "SIGINT");
  if (!(await isGone(dir, leftoverTimeoutMs))) {
    send(pid, "SIGQUIT");
    if (!(await isGone(dir, immediateShutdownTimeoutMs))) {
      throw new Error(
        `PostgreSQL (process ${pid}) still runs on ${dir} and does not stop: end it.`,
      );
    }
  }
  return pid;
}

/** The port of the server that runs on a cluster and takes connections. */
export async function readyPort(cluster: Access): Promise<number | undefined> {
  const port = readPidFile(cluster.dir)?.port;
  return port !== undefined && (await isReady(cluster, port)) ? port : undefined;
}

function settings(port: number): string[] {
  return Object.entries({
    listen_addresses: "127.0.0.1",
    port,
    unix_socket_directories: "",
    max_connections: 200,
    shared_buffers: "128MB",
    timezone: "UTC",
    log_timezone: "UTC",
    fsync: "on",
    synchronous_commit: "on",
    // The details and statements of errors quote rows, and with them e-mail addresses and password hashes.
    log_error_verbosity: "terse",
    log_min_error_statement: "panic",
  }).flatMap(([name, value]) => ["-c", `${name}=${value}`]);
}

async function isReady(cluster: Access, port: number): Promise<boolean> {
  const pidFile = readPidFile(cluster.dir);
  if (pidFile?.port !== port || pidFile.status !== "ready") return false;
  // The pid file of a run that crashed says "ready" as well.
  const sql = postgres(clusterUrl(cluster, port, adminDatabase), {
    max: 1,
    connect_timeout: 5,
    onnotice: () => {},
  });
  try {
    const [row] = await sql`select current_setting('data_directory') = ${cluster.dir} as same`;
    return row?.same === true;
  } catch {
    return false;
  } finally {
    await sql.end({ timeout: 1 });
  }
}

function send(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // The process has ended in the meantime. If it hasn't, the wait that follows fails.
  }
}

async function isGone(dir: string, timeoutMs: number): Promise<boolean> {
  const deadline = Date.now() + timeoutMs;
  while (livePostmaster(dir) !== undefined) {
    if (Date.now() > deadline) return false;
    await Bun.sleep(pollMs);
  }
  return true;
}

/** A port that nobody listens on at this moment. */
export function freePort(): number {
  const listener = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data() {} } });
  const { port } = listener;
  listener.stop(true);
  return port;
}
