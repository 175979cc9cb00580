// Migrations in dbmate's format: plain SQL files, and its table schema_migrations. A lock serialises processes that migrate at
// the same time, since dbmate itself would let both begin.
import type { Logger } from "pino";
import postgres from "postgres";
import type { DatabaseAddress } from "../../config/database-address.ts";
import { databaseError } from "../connect.ts";
import { connectionOptions } from "../connection-options.ts";
import { defaultMigrationsDir, findDbmate, namesIn, runDbmate, runDbmateOn } from "./dbmate.ts";
import { withMigrationLock } from "./lock.ts";
import { type MigrationState, readStates } from "./states.ts";

const lockWaitMs = 11 * 60_000;
const madeTimeoutMs = 20_000;
const madePollMs = 500;

export interface MigrateOptions {
  log: Logger;
  /** db/migrations unless said otherwise. */
  migrationsDir?: string;
  /** The longest wait for another process that migrates; 11 minutes unless said otherwise. */
  lockWaitMs?: number;
}

/** Changes the schema of a database. It is valid until the {@link whileMigrating} that it comes from settles. */
export interface Migrator {
  /** A connection to the database. */
  sql: postgres.Sql;
  /** Does the same as {@link migrate}. */
  apply: (migrationsDir?: string) => Promise<string[]>;
  /** Does the same as {@link rollBack}. */
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
export async function migrate(
  address: DatabaseAddress,
  options: MigrateOptions,
): Promise<string[]> {
  return whileMigrating(address, options, ({ apply }) => apply());
}

/**
 * Rolls back the migration that was applied last.
 * @returns the file's name
 * @throws Error as migrate does, and when none has been applied
 */
export async function rollBack(address: DatabaseAddress, options: MigrateOptions): Promise<string> {
  return whileMigrating(address, options, (migrator) => migrator.rollBack());
}

/**
 * Every migration, in order. It only reads, and doesn't need dbmate.
 * @throws Error when the database cannot be reached, or the folder has no migrations
 */
export async function migrationStates(
  address: DatabaseAddress,
  { migrationsDir = defaultMigrationsDir }: MigrateOptions,
): Promise<MigrationState[]> {
  const sql = open(address);
  try {
    return await readStates(sql, migrationsDir, address.schemas[0]);
  } catch (error) {
    throw error instanceof postgres.PostgresError ? unreachable(address, error) : error;
  } finally {
    await sql.end({ timeout: 5 });
  }
}

/**
 * Makes an empty migration named after the current time and `name`.
 * @param name of the letters a to z, the digits 0 to 9, and underscores
 * @returns the file's path
 * @throws Error for another name
 */
export async function newMigration(
  name: string,
  migrationsDir = defaultMigrationsDir,
): Promise<string> {
  if (!/^[a-z0-9_]{1,100}$/.test(name)) {
    throw new Error(
      `"${name}" is no name for a migration: use the letters a to z, the digits 0 to 9, and underscores.`,
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
  address: DatabaseAddress,
  options: MigrateOptions,
  work: (migrator: Migrator) => Promise<T>,
): Promise<T> {
  const { log, migrationsDir = defaultMigrationsDir } = options;
  const program = findDbmate();
  const dbmate = (command: string, dir = migrationsDir) =>
    runDbmateOn(address, command, { program, migrationsDir: dir });
  await ensureDatabase(address, program === undefined ? undefined : () => dbmate("create"));
  const wait = { log, waitMs: options.lockWaitMs ?? lockWaitMs };
  const sql = open(address);
  let isLocked = false;
  try {
    return await withMigrationLock(address, wait, () => {
      isLocked = true;
      return work({
        sql,
        async apply(dir = migrationsDir) {
          const states = await readStates(sql, dir, address.schemas[0]);
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
    });
  } catch (error) {
    throw isLocked ? error : unreachable(address, error);
  } finally {
    await sql.end({ timeout: 5 });
  }
}

/** @param create makes the database; undefined: a missing one is an error */
async function ensureDatabase(
  address: DatabaseAddress,
  create: (() => Promise<unknown>) | undefined,
): Promise<void> {
  const sql = open(address);
  try {
    await sql`select 1`.catch(async (error: unknown) => {
      if (!create || !isMissing(error)) throw error;
      // If two processes create it at once, one of them fails because it exists already, which is not an error here.
      const fault = await create().then(
        () => undefined,
        (reason: unknown) => reason,
      );
      await untilThere(sql).catch((reason: unknown) => Promise.reject(fault ?? reason));
    });
  } catch (error) {
    throw unreachable(address, error);
  } finally {
    await sql.end({ timeout: 5 });
  }
}

/** PgBouncer lets clients wait for 15 s after a database was missing, or tells them so again. */
async function untilThere(sql: postgres.Sql): Promise<void> {
  const deadline = Date.now() + madeTimeoutMs;
  for (;;) {
    try {
      await sql`select 1`;
      return;
    } catch (error) {
      const isTransient = isMissing(error) || databaseError(error)?.code === "CONNECT_TIMEOUT";
      if (!isTransient || Date.now() > deadline) throw error;
      await Bun.sleep(madePollMs);
    }
  }
}

function open(address: DatabaseAddress): postgres.Sql {
  return postgres({
    ...connectionOptions(address, "migrate"),
    max: 1,
    max_lifetime: null,
    onnotice: () => {},
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

/** PostgreSQL's own error, or PgBouncer's. */
function isMissing(error: unknown): boolean {
  if (!(error instanceof postgres.PostgresError)) return false;
  return error.code === "3D000" || /^database ".*" does not exist$/.test(error.message);
}

function unreachable({ host, port, database }: DatabaseAddress, cause: unknown): Error {
  const place = host.startsWith("/") ? `${database} in ${host}` : `${host}:${port}/${database}`;
  const reason = cause instanceof Error ? cause.message || cause.name : String(cause);
  // PgBouncer gives no code of its own for it.
  const isRefused =
    cause instanceof postgres.PostgresError &&
    (cause.code.startsWith("28") || /authentication failed/i.test(cause.message));
  const advice = isRefused
    ? " (in DATABASE_URL, special characters of the password must be percent-encoded: a % as %25)"
    : "";
  return new Error(`The database ${place} cannot be migrated now: ${reason}${advice}`, { cause });
}
