// The connection pool: postgres.js with the wire's types, rows parsed by the schema of their result, and the errors that mean
// that the database cannot be reached.
// postgres.js 3.4.9 is patched (db/patches/). A connection that broke kept its unwritten bytes, its error and the statements
// in flight for its successor, where they timed out, failed, hung, or got another statement's rows. One that broke while it was
// opened ended the process, or was opened again without an end. A statement that could not be sent, because a value was undefined for
// example, failed the one in flight in its place, and those after it got each other's rows. The error at the end of a COPY never
// reached the caller. And the stack of an error ended before the caller of the statement where metrics observe it.
import postgres from "postgres";
import type { Logger } from "pino";
import { z } from "zod";
import type { DatabaseAddress } from "../config/database-address.ts";
import { Problem } from "../wire/problems.ts";
import { connectionOptions, searchPath } from "./connection-options.ts";

const statementTimeoutMs = 15_000;
/** A chat that is locked for long, by the deletion of a million messages say, must not delay the messages of the others. */
const defaultLockTimeoutMs = 2_000;
const reconnectDelaySecondsMax = 0.5;
const retryAfterSeconds = 2;

/** A setting of our own, which connections have that {@link connect} has opened. */
const directSetting = "gemini_coop.is_direct";

/**
 * Seconds, and a number of probes: PostgreSQL ends the connections of a machine that is gone within 5 s. A process that only
 * stands still need not reply by itself. https://www.postgresql.org/docs/17/runtime-config-connection.html
 */
const keepAlive = {
  tcp_keepalives_idle: "2",
  tcp_keepalives_interval: "1",
  tcp_keepalives_count: "3",
};

export type Types = { bigint: number; timestamptz: string };
export type Sql = postgres.Sql<Types>;

/** A part of a statement, to be used inside another. */
export type Fragment = postgres.PendingQuery<postgres.Row[]>;

/**
 * Opens a pool to a PostgreSQL without a pooler in between (openPool finds out whether there is one). It connects on first
 * use, and again when the database comes back.
 * A `bigint` becomes a number (an unsafe one is an error), a `timestamptz` RFC 3339 in UTC with milliseconds.
 * @param max most connections
 * @param lockTimeoutMs a statement that waits longer for a lock fails
 */
export function connect(
  address: DatabaseAddress,
  log: Logger,
  { max = 10, lockTimeoutMs }: { max?: number; lockTimeoutMs?: number } = {},
): Sql {
  const options = poolOptions(address, log);
  const connection = {
    ...options.connection,
    ...settings(address, lockTimeoutMs),
    [directSetting]: "on",
    ...keepAlive,
  };
  return postgres({ ...options, max, connection, prepare: true });
}

/** The settings of PostgreSQL that statements need. */
export function settings(
  address: DatabaseAddress,
  lockTimeoutMs = defaultLockTimeoutMs,
): Record<string, string> {
  const path = searchPath(address);
  return {
    TimeZone: "UTC",
    statement_timeout: `${statementTimeoutMs}ms`,
    lock_timeout: `${lockTimeoutMs}ms`,
    // Disks are fast and most pages are in memory: with the default of 4 the planner reads a whole table for a few rows.
    random_page_cost: "1.1",
    synchronous_commit: "on",
    ...(path !== undefined && { search_path: path }),
  };
}

/** Options of a pool, without its settings. */
export function poolOptions(address: DatabaseAddress, log: Logger) {
  return {
    ...connectionOptions(address),
    // A restarted database should be in use again at once; the default waits up to 20 s.
    backoff: (attempt: number) => Math.min(0.05 * 2 ** attempt, reconnectDelaySecondsMax),
    onnotice: (notice: postgres.Notice) => log.debug({ notice: notice.message }, "database notice"),
    types: {
      bigint: {
        to: 20,
        from: [20],
        serialize: String,
        parse: safeInteger,
      },
      timestamptz: {
        to: 1184,
        from: [1184],
        serialize: String,
        parse: utcTime,
      },
    },
  };
}

/**
 * A column for a statement whose loss in a crash of PostgreSQL does no harm: its commit doesn't wait for the disk.
 * Commits reach the disk in order, so a later acknowledged commit keeps this one too.
 * https://www.postgresql.org/docs/17/wal-async-commit.html
 */
export const withoutWaiting = (sql: Sql) =>
  sql`set_config('synchronous_commit', 'off', true) as synchronous_commit`;

/**
 * The process id of PostgreSQL's process that runs the statement, which ends with this server; 0, which no process has, behind a pooler,
 * whose connections outlive it.
 */
export const ownProcess = (sql: Sql) =>
  sql`case when current_setting(${directSetting}, true) = 'on' then pg_backend_pid() else 0 end`;

function safeInteger(text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value)) throw new RangeError(`bigint ${text} is no safe integer`);
  return value;
}

/** Length of `2026-11-22 10:15:30.123456+00`, in which nearly all times come. */
const usualTimeLength = 29;

/** PostgreSQL's text of a time in UTC as RFC 3339 with milliseconds. Its text alone is rewritten where it has all digits. */
function utcTime(text: string): string {
  if (text.length === usualTimeLength && text.endsWith("+00")) {
    return `${text.slice(0, 10)}T${text.slice(11, 23)}Z`;
  }
  // A lenient Date parser drops the fraction of a text with a space.
  return new Date(text.replace(" ", "T").replace(/\+00$/, "Z")).toISOString();
}

/** All rows, each parsed by `schema`. */
export function many<T extends z.ZodType>(rows: readonly unknown[], schema: T): z.output<T>[] {
  return rows.map((row) => schema.parse(row));
}

/** The only row, or undefined. @throws Error when there are more */
export function maybe<T extends z.ZodType>(
  rows: readonly unknown[],
  schema: T,
): z.output<T> | undefined {
  if (rows.length > 1) throw new Error(`expected at most one row, got ${rows.length}`);
  return rows.length === 1 ? schema.parse(rows[0]) : undefined;
}

/** The only row. @throws Error when there is none, or more */
export function one<T extends z.ZodType>(rows: readonly unknown[], schema: T): z.output<T> {
  if (rows.length !== 1) throw new Error(`expected one row, got ${rows.length}`);
  return schema.parse(rows[0]);
}

const CodedError = z.object({
  code: z.string(),
  constraint_name: z.string().optional(),
  syscall: z.string().optional(),
});

/** The SQLSTATE or postgres.js's own code of an error, and the constraint that it names. */
export function databaseError(error: unknown): { code: string; constraint?: string } | undefined {
  const coded = CodedError.safeParse(error);
  if (!coded.success) return undefined;
  const { code, constraint_name: constraint } = coded.data;
  return constraint === undefined ? { code } : { code, constraint };
}

/** Errors of postgres.js about a connection, of sockets, and of TLS. */
const connectionCodes = new RegExp(
  "^(CONNECTION_|CONNECT_TIMEOUT|SASL_|CERT_|DEPTH_ZERO_|SELF_SIGNED_|UNABLE_TO_|ERR_TLS_|ERR_SSL_|TLS_|" +
    "E(AI_AGAIN|CONN(ABORTED|REFUSED|RESET)|HOST(DOWN|UNREACH)|NET(DOWN|UNREACH)|NOT(CONN|FOUND)|PIPE|TIMEDOUT)$)",
);

/** Beginnings of SQLSTATEs (PostgreSQL, appendix A). */
const awayStates = [
  "08", // connection exceptions, those of poolers too
  "25006", // read-only: not the primary any more
  "25P03", // the transaction was idle for too long
  "25P04", // the transaction took too long
  "28", // the password or the rules of access have changed
  "3D000", // no such database
  "53", // too many connections, a full disk, no memory
  "55000", // not in the right state, as while it is restored
  "57014", // the statement took too long
  "57P", // shutting down, crashed, starting up, dropped
  "58", // the disk cannot be read or written
];

/** Whether an error means that the database could not be used, so that the same request may succeed later. */
export function isDatabaseAway(error: unknown): boolean {
  const { data } = CodedError.safeParse(error);
  if (!data) return false;
  // A Unix socket that is not there.
  if (data.syscall === "connect" || connectionCodes.test(data.code)) return true;
  return data.code.length === 5 && awayStates.some((state) => data.code.startsWith(state));
}

/** Whether a statement gave up waiting for a lock. It has written nothing. */
export function isLocked(error: unknown): boolean {
  return databaseError(error)?.code === "55P03";
}

/** The problem that clients get while the database cannot be reached. */
export function databaseAway(cause: unknown): Problem {
  return new Problem(
    "unavailable",
    "The database cannot be reached right now. Try again in a moment.",
    {
      retryAfterSeconds,
      cause,
    },
  );
}

/**
 * Logs an error at the start when the database's settings allow it to lose acknowledged commits in a crash.
 * @returns the names of the settings that are off
 */
export async function checkDurability(sql: Sql, log: Logger): Promise<string[]> {
  const settings = many(
    await sql`
      select name from pg_settings
      where name in ('fsync', 'synchronous_commit', 'full_page_writes') and setting = 'off'
      order by name
    `,
    z.object({ name: z.string() }),
  ).map((row) => row.name);
  if (settings.length > 0) {
    log.error(
      { settings },
      `PostgreSQL runs with ${settings.join(", ")} off: acknowledged messages can be lost in a crash`,
    );
  }
  return settings;
}
