// One run of PostgreSQL's server process on a cluster, and the traces that an earlier run left behind.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import postgres from "postgres";
import { type Access, type Cluster, databaseUser } from "./cluster.ts";
import { type Guarded, spawnGuarded } from "./guard.ts";

const startTimeoutMs = 60_000;
const fastShutdownTimeoutMs = 10_000;
const leftoverTimeoutMs = 15_000;
const immediateShutdownTimeoutMs = 5_000;
const pollMs = 20;
const retryDelayMs = 100;

/** Above every system's largest pid, so no process ever has it. */
const pidOfNobody = 2_147_483_647;

export const adminDatabase = "postgres";
export const appDatabase = "gemini_coop";

export interface Postmaster {
  readonly port: number;
  /** Resolves when it no longer runs, for whatever reason. */
  readonly exited: Promise<unknown>;
  /** Shuts down fast (clients are cut off, nothing committed is lost); after 10 s immediately. Resolves when it is gone. */
  stop(): Promise<void>;
}

/** PostgreSQL came to an end before it was ready; `log` is what it said. */
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
  /** Processes of a killed server are still about: they end by themselves in a moment. */
  get stillInUse(): boolean {
    return this.log.includes("pre-existing shared memory block");
  }
}

export function clusterUrl({ password }: Access, port: number, database: string): string {
  return `postgres://${databaseUser}:${password}@127.0.0.1:${port}/${database}`;
}

/** Starts on a port that the system gives, and for 15 s on others when that was taken in the meantime. */
export async function startOnFreePort(cluster: Cluster, signal: AbortSignal): Promise<Postmaster> {
  const deadline = Date.now() + leftoverTimeoutMs;
  for (;;) {
    try {
      return await startPostmaster(cluster, freePort(), signal);
    } catch (error) {
      const passing = error instanceof StartFailed && (error.portTaken || error.stillInUse);
      if (!passing || Date.now() > deadline) throw error;
      await Bun.sleep(retryDelayMs);
    }
  }
}

/**
 * Starts PostgreSQL and waits until it takes connections, at most 60 s. The caller owns the folder (tryLockFolder) and has
 * called stopLeftover.
 * @throws StartFailed when it ends by itself, Error when it is not ready in time or `signal` aborts; it does not run then
 */
export async function startPostmaster(
  cluster: Cluster,
  port: number,
  signal: AbortSignal,
): Promise<Postmaster> {
  const command = [join(cluster.binaries, "postgres"), "-D", cluster.dir, ...settings(port)];
  const guarded = spawnGuarded(command, cluster);
  const stop = () => stopGuarded(guarded, cluster.dir);

  const deadline = Date.now() + startTimeoutMs;
  while (!(await isReady(cluster, port))) {
    if (guarded.exitCode() !== null) throw new StartFailed(guarded.output());
    if (signal.aborted || Date.now() > deadline) {
      await stop();
      signal.throwIfAborted();
      throw new Error(
        `PostgreSQL was not ready after ${startTimeoutMs / 1000} s; see ${cluster.logFile}.`,
      );
    }
    await Bun.sleep(pollMs);
  }
  return { port, exited: guarded.exited, stop };
}

/**
 * Stops a PostgreSQL that runs on the folder though nobody owns it any more, waiting at most 20 s, and makes the pid file of
 * a dead one harmless. The caller owns the folder.
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

/** Whether the server of the folder says of itself that it is shutting down. */
export function isStopping(dir: string): boolean {
  return readPidFile(dir)?.status === "stopping";
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

async function stopGuarded(guarded: Guarded, dir: string): Promise<void> {
  guarded.end();
  let ended = await guarded.exitsWithin(fastShutdownTimeoutMs);
  for (const signal of ended ? [] : (["SIGQUIT", "SIGKILL"] as const)) {
    const pid = livePostmaster(dir);
    if (pid !== undefined) send(pid, signal);
    ended ||= await guarded.exitsWithin(immediateShutdownTimeoutMs);
  }
  // Not if only the guard was killed.
  await stopLeftover(dir);
}

interface PidFile {
  pid: number;
  port: number;
  status: string;
}

/** PostgreSQL: src/include/utils/pidfile.h. The port and the status are missing while it starts. */
function readPidFile(dir: string): PidFile | undefined {
  try {
    const lines = readFileSync(join(dir, "postmaster.pid"), "utf8").split("\n");
    return { pid: Number(lines[0]), port: Number(lines[3]), status: lines[7]?.trim() ?? "" };
  } catch {
    return undefined;
  }
}

/** The postmaster that runs on this very folder: a pid alone may long belong to somebody else. */
function livePostmaster(dir: string): number | undefined {
  const pid = readPidFile(dir)?.pid;
  if (pid === undefined || !(pid > 0)) return undefined;
  return commandOf(pid).includes(`postgres -D ${dir} -c `) ? pid : undefined;
}

/** Empty when there is no such process, or only its zombie. */
function commandOf(pid: number): string {
  if (process.platform === "linux") {
    try {
      return readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ");
    } catch {
      return "";
    }
  }
  return Bun.spawnSync(["ps", "-ww", "-o", "command=", "-p", String(pid)]).stdout.toString();
}

/**
 * PostgreSQL refuses to start when the pid in its file lives, even if it is a stranger by now. Only the pid is replaced and the
 * file stays: by its other lines PostgreSQL still sees whether anything is attached to the shared memory of that run.
 */
function disownPidFile(dir: string): void {
  const file = join(dir, "postmaster.pid");
  try {
    const [, ...rest] = readFileSync(file, "utf8").split("\n");
    writeFileSync(file, [pidOfNobody, ...rest].join("\n"));
  } catch (error) {
    if (!isMissing(error)) throw error;
  }
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "ENOENT";
}

function send(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // Gone in the meantime; if it is not, the wait that follows says so.
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

function freePort(): number {
  const listener = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data() {} } });
  const { port } = listener;
  listener.stop(true);
  return port;
}
