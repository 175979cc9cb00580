// Migrations are dbmate's: plain SQL files, its own table schema_migrations. Of two who migrate at once one waits, since
// dbmate itself would let both begin.
import { homedir } from "node:os";
import { join } from "node:path";
import { resolveBinary } from "dbmate";
import type { Logger } from "pino";
import postgres from "postgres";

const runTimeoutMs = 10 * 60_000;
const lockWaitSeconds = 11 * 60;
const connectTimeoutSeconds = 10;
const defaultMigrationsDir = join(import.meta.dir, "../../db/migrations");
const undefinedDatabase = "3D000";

export interface MigrateOptions {
  log: Logger;
  /** The repository's db/migrations unless said otherwise. */
  migrationsDir?: string;
}

export interface MigrationState {
  /** The file's name. */
  name: string;
  applied: boolean;
}

/**
 * Applies the migrations that have not been applied, in the order of their names, each in a transaction of its own; makes the
 * database if it is missing. One process at a time does so, others wait up to 11 minutes.
 * @returns the names of the files that were applied
 * @throws Error that names the migration and says what the database said; when the database cannot be reached; when dbmate
 * takes longer than 10 minutes
 */
export async function migrate(databaseUrl: string, options: MigrateOptions): Promise<string[]> {
  const { log } = options;
  const output = await locked(databaseUrl, options, () => dbmate("migrate", databaseUrl, options));
  const applied = names(output, /^Applied: (\S+)/gm);
  if (applied.length > 0) log.info({ migrations: applied }, "migrated the database");
  return applied;
}

/**
 * Takes back the migration that was applied last.
 * @returns the file's name
 * @throws Error as migrate does, and when none has been applied
 */
export async function rollBack(databaseUrl: string, options: MigrateOptions): Promise<string> {
  const output = await locked(databaseUrl, options, () => dbmate("rollback", databaseUrl, options));
  const [name = ""] = names(output, /^Rolled back: (\S+)/gm);
  options.log.info({ migration: name }, "rolled a migration back");
  return name;
}

/** Every migration, in order. @throws Error when the database cannot be asked */
export async function migrationStates(
  databaseUrl: string,
  options: MigrateOptions,
): Promise<MigrationState[]> {
  const output = await dbmate("status", databaseUrl, options);
  return [...output.matchAll(/^\[(.)\] (.+)$/gm)].map(([, mark, name = ""]) => ({
    name,
    applied: mark === "X",
  }));
}

/**
 * Makes an empty migration named after the current time and `name`.
 * @param name lower-case letters, digits and underscores
 * @returns the file's path
 * @throws Error for another name
 */
export async function newMigration(
  name: string,
  migrationsDir = defaultMigrationsDir,
): Promise<string> {
  if (!/^[a-z0-9_]{1,100}$/.test(name)) {
    throw new Error(
      `"${name}" is no name for a migration: use lower-case letters, digits and underscores.`,
    );
  }
  const output = await run(["new", name], { migrationsDir });
  return names(output, /^Creating migration: (.+)$/gm)[0] ?? migrationsDir;
}

async function dbmate(command: string, databaseUrl: string, options: MigrateOptions) {
  const { migrationsDir = defaultMigrationsDir } = options;
  return run([command], { migrationsDir, databaseUrl: withSslMode(databaseUrl) });
}

/** Without a word about TLS dbmate would insist on it, while postgres.js does without: both should do the same. */
function withSslMode(databaseUrl: string): string {
  const url = new URL(databaseUrl);
  if (!url.searchParams.has("sslmode")) url.searchParams.set("sslmode", "disable");
  return url.href;
}

interface Run {
  migrationsDir: string;
  databaseUrl?: string;
}

/** @returns what dbmate said. @throws Error with what went wrong */
async function run(args: string[], { migrationsDir, databaseUrl }: Run): Promise<string> {
  const child = Bun.spawn(
    // The schema file would need a pg_dump of the server's version.
    [
      resolveBinary(),
      "--env-file",
      "/dev/null",
      "--no-dump-schema",
      "--migrations-dir",
      migrationsDir,
      ...args,
    ],
    {
      // The address has a password, and everybody can see the arguments of a process.
      env: { HOME: homedir(), ...(databaseUrl && { DATABASE_URL: databaseUrl }) },
      stdin: "ignore",
      stdout: "pipe",
      stderr: "pipe",
      timeout: runTimeoutMs,
    },
  );
  const [output, said] = await Promise.all([child.stdout.text(), child.stderr.text()]);
  if ((await child.exited) === 0) return output;

  const fault = child.signalCode
    ? `dbmate did not end within ${runTimeoutMs / 60_000} minutes`
    : said.trim().replace(/^Error: /, "");
  // dbmate says "Applied" of the one that failed, too: the last one that it began is the one.
  const name = names(output, /^(?:Applying|Rolling back): (\S+)/gm).at(-1);
  throw new Error(name ? `Migration ${name} failed: ${fault}` : `Migrating failed: ${fault}`);
}

function names(output: string, pattern: RegExp): string[] {
  return [...output.matchAll(pattern)].map(([, name = ""]) => name);
}

/** Runs `work` while no other process migrates the same database. */
async function locked<T>(
  databaseUrl: string,
  options: MigrateOptions,
  work: () => Promise<T>,
): Promise<T> {
  const sql = postgres(databaseUrl, {
    max: 1,
    connect_timeout: connectTimeoutSeconds,
    max_lifetime: null,
    onnotice: () => {},
    connection: { application_name: "gemini-coop migrate", lock_timeout: lockWaitSeconds * 1000 },
  });
  const lock = () => sql`select pg_advisory_lock(hashtextextended('gemini-coop migrations', 0))`;
  try {
    await lock().catch(async (error: unknown) => {
      if (!(error instanceof postgres.PostgresError && error.code === undefinedDatabase)) {
        throw unreachable(databaseUrl, error);
      }
      // Of two who make it at once one is told that it exists, which the second try shows to be true.
      const making = await dbmate("create", databaseUrl, options).catch((fault: unknown) => fault);
      await lock().catch(() => Promise.reject(making));
    });
    return await work();
  } finally {
    await sql.end({ timeout: 5 });
  }
}

function unreachable(databaseUrl: string, cause: unknown): Error {
  const { host, pathname } = new URL(databaseUrl);
  const reason = cause instanceof Error ? cause.message || cause.name : String(cause);
  return new Error(`The database ${host}${pathname} cannot be migrated now: ${reason}`, { cause });
}
