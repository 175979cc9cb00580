// A PostgreSQL cluster in a data folder: its directory, the account that runs it, and how it is made. The data folder also
// has its password, its log and the lock of its owner.
import {
  chmodSync,
  chownSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import type { Logger } from "pino";
import { canEnter, openShared, sharedRoot, unprivilegedAccount } from "./binaries.ts";
import { type Account, WatchedProcess } from "./watchdog.ts";

const majorVersion = "17";
const initdbTimeoutMs = 60_000;
const unfinishedTimeoutMs = 5_000;
const pollMs = 50;
const temporaryPrefix = "postgres.new-";

export const databaseUser = "gemini_user";

export interface ClusterLocation {
  readonly dataDir: string;
  /** The cluster's real path. It need not exist yet. */
  readonly dir: string;
  /** The account that runs PostgreSQL there. Undefined: this process's own. */
  readonly account: Account | undefined;
}

/** The data needed to connect to a cluster. */
export interface Access {
  readonly dir: string;
  readonly password: string;
}

export interface Cluster extends Access {
  readonly binaries: string;
  readonly account: Account | undefined;
  readonly logFile: string;
}

/** Makes the data folder unless it exists. @returns its real path. @throws Error with the reason why it cannot be used */
export function openDataDir(dataDir: string): string {
  try {
    // A folder of root's must let another account pass through; the secrets in it have their own mode.
    mkdirSync(dataDir, { recursive: true, mode: process.getuid?.() === 0 ? 0o755 : 0o700 });
    return realpathSync(dataDir);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new Error(`The data folder cannot be used (${reason}): choose another DATA_DIR.`, {
      cause,
    });
  }
}

/**
 * Decides the directory of a data folder's cluster and the account that runs it. An existing cluster stays where it is. A new
 * one of root's gets a directory under /var/lib/gemini-coop, with a link to it, when the account that runs it cannot enter the
 * data folder.
 * @throws Error with the reason why it cannot be used
 */
export function locateCluster(dataDir: string, log: Logger): ClusterLocation {
  const link = join(dataDir, "postgres");
  const existing = existingDir(link);
  const owner = existing && statSync(existing, { throwIfNoEntry: false });
  if (process.getuid?.() !== 0) {
    if (owner && owner.uid !== process.getuid?.()) {
      throw new Error(
        `The database in ${existing} belongs to another user (${owner.uid}): choose another DATA_DIR.`,
      );
    }
    return { dataDir, dir: existing ?? link, account: undefined };
  }

  const account = owner && owner.uid !== 0 ? owner : unprivilegedAccount();
  const { uid, gid } = account;
  const dir = existing ?? newDir(link, account, log);
  if (!canEnter(dirname(dir), account)) {
    throw new Error(
      `PostgreSQL refuses to run as root, and user ${uid}, who is to run it, cannot enter ${dirname(dir)}: ` +
        "allow it (chmod o+x on each folder of the path), or choose another DATA_DIR.",
    );
  }
  return { dataDir, dir, account: { uid, gid } };
}

/** The real path of the cluster that `<dataDir>/postgres` is or points to; behind a link it need not exist yet. */
function existingDir(link: string): string | undefined {
  const entry = lstatSync(link, { throwIfNoEntry: false });
  if (!entry?.isSymbolicLink()) return entry && link;
  const target = resolve(dirname(link), readlinkSync(link));
  if (!existsSync(dirname(target))) {
    throw new Error(
      `${link} points to ${target}, which is gone: bring it back, or delete ${link} to start with an empty database.`,
    );
  }
  return existsSync(target)
    ? realpathSync(target)
    : join(realpathSync(dirname(target)), basename(target));
}

function newDir(link: string, account: Account, log: Logger): string {
  if (canEnter(dirname(link), account)) return link;
  openShared(sharedRoot);
  const home = mkdtempSync(join(sharedRoot, "data-"));
  chmodSync(home, 0o711);
  const dir = join(home, "postgres");
  symlinkSync(dir, link);
  log.warn(
    { folder: dir },
    `the database is in ${dir}, since PostgreSQL does not run as root and other users cannot enter ${dirname(link)}`,
  );
  return dir;
}

/**
 * Makes the cluster unless it exists. The caller holds the locks of the folders. A new one appears whole or not at all.
 * @throws Error with the reason why it cannot be used
 */
export async function prepareCluster(
  { dataDir, dir, account }: ClusterLocation,
  binaries: string,
  log: Logger,
): Promise<Cluster> {
  const home = dirname(dir);
  await removeUnfinished(home);
  const logFile = join(dataDir, "postgres.log");
  const versionFile = join(dir, "PG_VERSION");
  if (existsSync(versionFile)) {
    const version = readFileSync(versionFile, "utf8").trim();
    if (version !== majorVersion) {
      throw new Error(
        `The database in ${dir} is one of PostgreSQL ${version}, and this is ${majorVersion}: choose another DATA_DIR.`,
      );
    }
    const password = findPassword(dataDir);
    if (!password) {
      throw new Error(
        `${passwordFile(dataDir)} is missing, without which the database in ${dir} cannot be opened: bring it back.`,
      );
    }
    return { dir, password, binaries, account, logFile };
  }
  if (existsSync(dir) && readdirSync(dir).length > 0) {
    throw new Error(
      `${dir} exists and is no PostgreSQL database, and is in the way: move it elsewhere.`,
    );
  }
  const cluster = { dir, password: newPassword(dataDir), binaries, account, logFile };
  await makeCluster(cluster);
  log.info({ folder: dir }, "made a new database");
  return cluster;
}

/** Access to a cluster that another process runs; undefined while it has not been made yet. */
export function findAccess(dataDir: string): Access | undefined {
  const dir = existingDir(join(dataDir, "postgres"));
  const password = findPassword(dataDir);
  return dir && password ? { dir, password } : undefined;
}

/** Removes the cluster that a killed process was making. Its initdb ends soon, and writes until then. */
async function removeUnfinished(home: string): Promise<void> {
  const unfinished = () => readdirSync(home).filter((name) => name.startsWith(temporaryPrefix));
  const deadline = Date.now() + unfinishedTimeoutMs;
  for (let names = unfinished(); names.length > 0 && Date.now() < deadline; names = unfinished()) {
    for (const name of names) rmSync(join(home, name), { recursive: true, force: true });
    await Bun.sleep(pollMs);
  }
}

async function makeCluster({ dir, binaries, account, password, logFile }: Cluster): Promise<void> {
  const temporary = mkdtempSync(join(dirname(dir), temporaryPrefix));
  try {
    const pwfile = join(temporary, "password");
    writeFileSync(pwfile, `${password}\n`, { mode: 0o600 });
    if (account) {
      for (const path of [temporary, pwfile]) chownSync(path, account.uid, account.gid);
    }
    const made = join(temporary, "cluster");
    await initdb({ binaries, account, logFile, pwfile, made });
    renameSync(made, dir);
  } finally {
    rmSync(temporary, { recursive: true, force: true });
  }
}

async function initdb(options: Omit<Cluster, keyof Access> & { pwfile: string; made: string }) {
  const { binaries, account, logFile, pwfile, made } = options;
  // LC_CTYPE decides what a letter is, and not every system has every locale. The builtin provider sorts the same everywhere.
  for (const ctype of ["C.UTF-8", "en_US.UTF-8", "C"]) {
    const flags = [
      ["-D", made],
      ["-U", databaseUser],
      [`--pwfile=${pwfile}`, "--auth=scram-sha-256", "--no-instructions"],
      ["--encoding=UTF8", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"],
      [`--lc-ctype=${ctype}`],
    ];
    const command = [join(binaries, "initdb"), ...flags.flat()];
    const run = new WatchedProcess(command, { account, logFile });
    if (!(await run.exitsWithin(initdbTimeoutMs))) {
      run.interrupt();
      throw new Error(
        `PostgreSQL's initdb did not end in ${initdbTimeoutMs / 1000} s; see ${logFile}.`,
      );
    }
    if (run.exitCode === 0) return;
    if (!run.output.includes("invalid locale name")) {
      throw new Error(`PostgreSQL's initdb failed:\n${run.output}`);
    }
  }
}

function passwordFile(dataDir: string): string {
  return join(dataDir, "postgres.password");
}

function findPassword(dataDir: string): string | undefined {
  const file = passwordFile(dataDir);
  const text = existsSync(file) ? readFileSync(file, "utf8").trim() : "";
  return /^[0-9a-f]{64}$/.test(text) ? text : undefined;
}

function newPassword(dataDir: string): string {
  const password = crypto.getRandomValues(new Uint8Array(32)).toHex();
  const file = passwordFile(dataDir);
  rmSync(`${file}.new`, { force: true });
  writeFileSync(`${file}.new`, `${password}\n`, { mode: 0o600, flag: "wx" });
  renameSync(`${file}.new`, file);
  return password;
}
