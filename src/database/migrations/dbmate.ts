// dbmate, the program that applies migrations, and the folder of the migrations. Both are in the sources, or beside the
// compiled executable, in which `import.meta.dir` is no real folder (https://bun.sh/docs/bundler/executables).
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { homedir, tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { resolveBinary } from "dbmate";
import type { DatabaseAddress } from "../../config/database-address.ts";
import { applicationName, searchPath } from "../connection-options.ts";

const runTimeoutMs = 10 * 60_000;

/** db/migrations of the repository, or the one beside the compiled executable. */
export const defaultMigrationsDir = Bun.isStandaloneExecutable
  ? join(dirname(process.execPath), "db/migrations")
  : join(import.meta.dir, "../../../db/migrations");

/**
 * The path of dbmate: from the npm package, or beside the compiled executable. Undefined where it is not installed, as in an
 * image that only serves.
 */
export function findDbmate(): string | undefined {
  if (Bun.isStandaloneExecutable) {
    const beside = join(dirname(process.execPath), "dbmate");
    return existsSync(beside) ? beside : undefined;
  }
  try {
    return resolveBinary();
  } catch {
    return undefined;
  }
}

export interface DbmateRun {
  /** The path from findDbmate. */
  program: string | undefined;
  migrationsDir: string;
}

/**
 * Runs a command of dbmate on a database.
 * @returns its output
 * @throws Error with the name of the migration and the database's message; when dbmate is not installed; when it takes longer
 * than 10 minutes
 */
export async function runDbmateOn(
  address: DatabaseAddress,
  command: string,
  { program, migrationsDir }: DbmateRun,
): Promise<string> {
  const path = searchPath(address);
  if (path === undefined) return runDbmate([command], { program, migrationsDir }, address);
  // A pooler would refuse the search path as a connection parameter.
  const dir = withSearchPath(migrationsDir, path);
  try {
    const table = `${address.schemas[0]}.schema_migrations`;
    const args = ["--migrations-table", table, command];
    return await runDbmate(args, { program, migrationsDir: dir }, address);
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

/** Runs dbmate to its end. @throws Error as runDbmateOn does */
export async function runDbmate(
  args: string[],
  { program, migrationsDir }: DbmateRun,
  address?: DatabaseAddress,
): Promise<string> {
  if (program === undefined) {
    throw new Error("dbmate is not installed here: use an installation of the sources.");
  }
  const child = Bun.spawn(
    // The schema file would need a pg_dump of the server's version.
    [
      program,
      "--env-file",
      "/dev/null",
      "--no-dump-schema",
      "--migrations-dir",
      migrationsDir,
      ...args,
    ],
    {
      // The address has a password, and every user of the machine can see the arguments of a process.
      env: { HOME: homedir(), ...(address && { DATABASE_URL: dbmateUrl(address) }) },
      stdin: "ignore",
      stdout: "pipe",
      stderr: "pipe",
      timeout: runTimeoutMs,
    },
  );
  const [output, errors] = await Promise.all([child.stdout.text(), child.stderr.text()]);
  if ((await child.exited) === 0) return output;

  const fault = child.signalCode
    ? `dbmate did not end within ${runTimeoutMs / 60_000} minutes`
    : errors.trim().replace(/^Error: /, "");
  // dbmate prints "Applied" also for the migration that failed, which is the last one that it began.
  const name = namesIn(output, /^(?:Applying|Rolling back): (\S+)/gm).at(-1);
  throw new Error(name ? `Migration ${name} failed: ${fault}` : `Migrating failed: ${fault}`);
}

/** All matches of a pattern's first group in dbmate's output. */
export function namesIn(output: string, pattern: RegExp): string[] {
  return [...output.matchAll(pattern)].map(([, name = ""]) => name);
}

/** The host is a member, since dbmate cannot read an IPv6 address, or the directory of a socket, where hosts stand. */
function dbmateUrl(address: DatabaseAddress): string {
  const { host, port, database, user, password, tls, connectTimeoutSeconds, options } = address;
  const members: Record<string, string | undefined> = {
    host,
    port: String(port),
    sslmode: tls.mode,
    sslrootcert: tls.rootCertificate?.path,
    sslcert: tls.clientCertificate?.path,
    sslkey: tls.clientKey?.path,
    connect_timeout: connectTimeoutSeconds?.toString(),
    application_name: `${applicationName(address)} migrate`,
    options,
    // Without it a statement is prepared and run in two messages, between which a pooler may give the connection to another
    // client: then the statement is gone, or another one.
    binary_parameters: "yes",
  };
  const given = Object.entries(members).flatMap(([name, value]) =>
    value === undefined ? [] : [`${name}=${encodeURIComponent(value)}`],
  );
  const [name, secret = ""] = [user, password].map((text) => encodeURIComponent(text ?? ""));
  return `postgres://${name}:${secret}@/${encodeURIComponent(database)}?${given.join("&")}`;
}

/** A copy of the migrations, each of which sets the schemas of its transaction first. */
function withSearchPath(migrationsDir: string, path: string): string {
  const dir = mkdtempSync(join(tmpdir(), "gemini-coop-migrations-"));
  for (const name of readdirSync(migrationsDir)) {
    if (!name.endsWith(".sql")) continue;
    const text = readFileSync(join(migrationsDir, name), "utf8");
    const part = /^(\s*--\s*migrate:(?:up|down)\b.*)$/gm;
    writeFileSync(
      join(dir, name),
      text.replace(part, (line) => `${line}\nset local search_path = ${path};`),
    );
  }
  return dir;
}
