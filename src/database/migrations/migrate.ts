// Migrations in dbmate's format: plain SQL files, and its table schema_migrations. A lock serialises processes that migrate at
// the same time, since dbmate itself would let both begin.
import type { Logger } from "pino";
import postgres from "postgres";
import { defaultMigrationsDir, findDbmate, namesIn, runDbmate } from "./dbmate.ts";
import { type MigrationState, readStates } from "./states.ts";

const lockWaitSeconds = 11 * 60;
const connectTimeoutSeconds = 10;
const undefinedDatabase = "3D000";

export interface MigrateOptions {
  log: Logger;
  /** db/migrations unless said otherwise. */
  migrationsDir?: string;
}

/** Changes the schema of a database. It is valid until the {@link whileMigrating} that it comes from settles. */
export interface Migrator {
  /** The connection that has the lock. */
  sql: postgres.Sql;
  /** As {@link migrate}. */
  apply: (migrationsDir?: string) => Promise<string[]>;
  /** As {@link rollBack}. */
  rollBack: () => Promise<string>;
}

/**
 * Applies the pending migrations in the order of their names, each in a transaction of its own; makes the database if it is
 * missing. One process at a time does so, others wait up to 11 minutes. It logs a warning about each that destroys data before
 * it begins. Where dbmate is not installed it only checks that none is pending.
 * @returns the names of the files that were applied
 * @throws Error with the name of the migration and the database's message; when the database cannot be reached; when dbmate
 * takes longer than 10 minutes; when it is not installed and migrations are pending
 */
export async function migrate(databaseUrl: string, options: MigrateOptions): Promise<string[]> {
  return whileMigrating(databaseUrl, options, ({ apply }) => apply());
}

/**
 * Rolls back the migration that was applied last.
 * @returns the file's name
 * @throws Error as migrate does, and when none has been applied
 */
export async function rollBack(databaseUrl: string, options: MigrateOptions): Promise<string> {
  return whileMigrating(databaseUrl, options, (migrator) => migrator.rollBack());
}

/**
 * Every migration, in order. It only reads, and doesn't need dbmate.
 * @throws Error when the database cannot be reached, or the folder has no migrations
 */
export async function migrationStates(
  databaseUrl: string,
  { migrationsDir = defaultMigrationsDir }: MigrateOptions,
): Promise<MigrationState[]> {
  const sql = open(databaseUrl);
  try {
    return await readStates(sql, migrationsDir);
  } catch (error) {
    throw error instanceof postgres.PostgresError ? unreachable(sql, error) : error;
  } finally {
    await sql.end({ timeout: 5 });
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

/**
 * Runs `work` while no other process migrates the same database, which is made if it is missing.
 * @throws Error when the database cannot be reached, and what `work` throws
 */
export async function whileMigrating<T>(
  databaseUrl: string,
  options: MigrateOptions,
  work: (migrator: Migrator) => Promise<T>,
): Promise<T> {
  const sql = open(databaseUrl);
  const { log, migrationsDir = defaultMigrationsDir } = options;
  const program = findDbmate();
  const dbmate = (command: string, dir = migrationsDir) =>
    runDbmate([command], { program, migrationsDir: dir, databaseUrl });
  const lock = () => sql`select pg_advisory_lock(hashtextextended('gemini-coop migrations', 0))`;
  try {
    await lock().catch(async (error: unknown) => {
      if (program === undefined || !isMissing(error)) throw unreachable(sql, error);
      // Of two processes that make it at once one fails because it exists, and then the second try succeeds.
      const making = await dbmate("create").catch((fault: unknown) => fault);
      await lock().catch(() => Promise.reject(making));
    });
    return await work({
      sql,
      async apply(dir = migrationsDir) {
        const states = await readStates(sql, dir);
        const pending = states.filter(({ applied }) => !applied);
        if (pending.length === 0) return [];
        if (program === undefined) throw cannotApply(pending);
        warnOfDataLoss(states, log);
        const applied = namesIn(await dbmate("migrate", dir), /^Applied: (\S+)/gm);
        log.info({ migrations: applied }, "migrated the database");
        return applied;
      },
      async rollBack() {
        const [name = ""] = namesIn(await dbmate("rollback"), /^Rolled back: (\S+)/gm);
        log.info({ migration: name }, "rolled a migration back");
        return name;
      },
    });
  } finally {
    await sql.end({ timeout: 5 });
  }
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

/** A new database has no data to lose. */
function warnOfDataLoss(states: MigrationState[], log: Logger): void {
  if (!states.some(({ applied }) => applied)) return;
  for (const { name, applied, dataLoss } of states) {
    if (applied || dataLoss === undefined) continue;
    log.warn(
      { migration: name, dataLoss },
      `migration ${name} destroys data and is applied now: only a backup that was taken before (bun run db:backup) still has it`,
    );
  }
}

function cannotApply(pending: MigrationState[]): Error {
  const names = pending.map(({ name }) => name).join(", ");
  return new Error(
    `Migrations are pending (${names}), and dbmate, which applies them, is not installed here: ` +
      "run the migrate service of docker-compose.yml, or `bun run db:up` in the sources.",
  );
}

function isMissing(error: unknown): boolean {
  return error instanceof postgres.PostgresError && error.code === undefinedDatabase;
}

function unreachable({ options }: postgres.Sql, cause: unknown): Error {
  const place = `${options.host[0]}:${options.port[0]}/${options.database}`;
  const reason = cause instanceof Error ? cause.message || cause.name : String(cause);
  return new Error(`The database ${place} cannot be migrated now: ${reason}`, { cause });
}
