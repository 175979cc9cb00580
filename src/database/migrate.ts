// Migrations are dbmate's: plain SQL files, its own table schema_migrations. Of two who migrate at once one waits, since
// dbmate itself would let both begin.
import { readdirSync } from "node:fs";
import type { Logger } from "pino";
import postgres from "postgres";
import { z } from "zod";
import { defaultMigrationsDir, findDbmate, namesIn, runDbmate } from "./dbmate.ts";

const lockWaitSeconds = 11 * 60;
const connectTimeoutSeconds = 10;
const undefinedDatabase = "3D000";
const undefinedTable = "42P01";

export interface MigrateOptions {
  log: Logger;
  /** db/migrations unless said otherwise. */
  migrationsDir?: string;
}

export interface MigrationState {
  /** The file's name. */
  name: string;
  applied: boolean;
}

/**
 * Applies the migrations that have not been applied, in the order of their names, each in a transaction of its own; makes the
 * database if it is missing. One process at a time does so, others wait up to 11 minutes. Where dbmate is not installed it
 * only makes sure that all have been applied.
 * @returns the names of the files that were applied
 * @throws Error that names the migration and says what the database said; when the database cannot be reached; when dbmate
 * takes longer than 10 minutes; when it is not installed and migrations are pending
 */
export async function migrate(databaseUrl: string, options: MigrateOptions): Promise<string[]> {
  const { log } = options;
  if (findDbmate() === undefined) {
    await requireMigrated(databaseUrl, options);
    return [];
  }
  const output = await locked(databaseUrl, options, () => dbmate("migrate", databaseUrl, options));
  const applied = namesIn(output, /^Applied: (\S+)/gm);
  if (applied.length > 0) log.info({ migrations: applied }, "migrated the database");
  return applied;
}

async function requireMigrated(databaseUrl: string, options: MigrateOptions): Promise<void> {
  const states = await migrationStates(databaseUrl, options);
  const pending = states.filter(({ applied }) => !applied).map(({ name }) => name);
  if (pending.length === 0) return;
  throw new Error(
    `Migrations are pending (${pending.join(", ")}), and dbmate, which applies them, is not installed here: ` +
      "run the migrate service of docker-compose.yml, or `bun run db:up` in the sources.",
  );
}

/**
 * Takes back the migration that was applied last.
 * @returns the file's name
 * @throws Error as migrate does, and when none has been applied
 */
export async function rollBack(databaseUrl: string, options: MigrateOptions): Promise<string> {
  const output = await locked(databaseUrl, options, () => dbmate("rollback", databaseUrl, options));
  const [name = ""] = namesIn(output, /^Rolled back: (\S+)/gm);
  options.log.info({ migration: name }, "rolled a migration back");
  return name;
}

/**
 * Every migration, in order. It only reads, and does without dbmate.
 * @throws Error when the database cannot be asked, or there are no migrations where they should be
 */
export async function migrationStates(
  databaseUrl: string,
  { migrationsDir = defaultMigrationsDir }: MigrateOptions,
): Promise<MigrationState[]> {
  const names = migrationNames(migrationsDir);
  const sql = open(databaseUrl);
  try {
    const applied = new Set(await appliedVersions(sql));
    return names.map((name) => ({ name, applied: applied.has(versionOf(name)) }));
  } catch (error) {
    throw unreachable(databaseUrl, error);
  } finally {
    await sql.end({ timeout: 5 });
  }
}

/** @throws Error when there are none */
function migrationNames(migrationsDir: string): string[] {
  // The same as dbmate's own pattern.
  const names = readdirSync(migrationsDir).filter((name) => /^\d+.*\.sql$/.test(name));
  if (names.length === 0) throw new Error(`There are no migrations in ${migrationsDir}.`);
  return names.sort();
}

function versionOf(name: string): string {
  return /^\d+/.exec(name)?.[0] ?? "";
}

async function appliedVersions(sql: postgres.Sql): Promise<string[]> {
  try {
    const rows = await sql`select version from schema_migrations order by version`;
    return z
      .array(z.object({ version: z.string() }))
      .parse(rows)
      .map(({ version }) => version);
  } catch (error) {
    if (isCoded(error, undefinedTable) || isCoded(error, undefinedDatabase)) return [];
    throw error;
  }
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
  const output = await runDbmate(["new", name], { program: findDbmate(), migrationsDir });
  return namesIn(output, /^Creating migration: (.+)$/gm)[0] ?? migrationsDir;
}

async function dbmate(command: string, databaseUrl: string, options: MigrateOptions) {
  const { migrationsDir = defaultMigrationsDir } = options;
  return runDbmate([command], { program: findDbmate(), migrationsDir, databaseUrl });
}

function open(databaseUrl: string): postgres.Sql {
  return postgres(databaseUrl, {
    max: 1,
    connect_timeout: connectTimeoutSeconds,
    max_lifetime: null,
    onnotice: () => {},
    connection: { application_name: "gemini-coop migrate", lock_timeout: lockWaitSeconds * 1000 },
  });
}

/** Runs `work` while no other process migrates the same database. */
async function locked<T>(
  databaseUrl: string,
  options: MigrateOptions,
  work: () => Promise<T>,
): Promise<T> {
  const sql = open(databaseUrl);
  const lock = () => sql`select pg_advisory_lock(hashtextextended('gemini-coop migrations', 0))`;
  try {
    await lock().catch(async (error: unknown) => {
      if (!isCoded(error, undefinedDatabase)) throw unreachable(databaseUrl, error);
      // Of two who make it at once one is told that it exists, which the second try shows to be true.
      const making = await dbmate("create", databaseUrl, options).catch((fault: unknown) => fault);
      await lock().catch(() => Promise.reject(making));
    });
    return await work();
  } finally {
    await sql.end({ timeout: 5 });
  }
}

function isCoded(error: unknown, code: string): boolean {
  return error instanceof postgres.PostgresError && error.code === code;
}

function unreachable(databaseUrl: string, cause: unknown): Error {
  const { host, pathname } = new URL(databaseUrl);
  const reason = cause instanceof Error ? cause.message || cause.name : String(cause);
  return new Error(`The database ${host}${pathname} cannot be migrated now: ${reason}`, { cause });
}
