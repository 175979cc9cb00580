// Connection poolers such as PgBouncer in transaction mode. They run each transaction on any of their server connections, so
// that nothing which belongs to a connection can be relied on: neither settings nor named statements.
import type { Logger } from "pino";
import postgres from "postgres";
import { z } from "zod";
import type { DatabaseAddress } from "../config/database-address.ts";
import {
  connect,
  databaseError,
  one,
  poolOptions,
  settings,
  type Sql,
  type Types,
} from "./connect.ts";
import { connectionOptions } from "./connection-options.ts";
import { quotedText } from "./names.ts";

const poolMax = 10;

/** Codes of postgres.js's errors about a statement itself, after which its connection goes on. */
const statementCodes = new Set([
  "COPY_IN_PROGRESS",
  "MAX_PARAMETERS_EXCEEDED",
  "MESSAGE_NOT_SUPPORTED",
  "NOT_TAGGED_CALL",
  "UNDEFINED_VALUE",
]);

/**
 * Opens a pool as `connect` does, also through a connection pooler, which is detected. It logs the members of the address that
 * are left out.
 * @throws Error when the database cannot be reached
 */
export async function openPool(address: DatabaseAddress, log: Logger): Promise<Sql> {
  if (address.ignored.length > 0) {
    log.warn(
      { members: address.ignored },
      `DATABASE_URL has members without a meaning here, which are left out: ${address.ignored.join(", ")}`,
    );
  }
  if (!address.isPooled && !(await isPooler(address))) return connect(address, log);
  log.info("the database is behind a connection pooler: each statement is a transaction");
  // The pooler itself ends old connections.
  const sql = postgres({ ...poolOptions(address, log), max: poolMax, max_lifetime: null });
  return inTransactions(sql, settings(address));
}

async function isPooler(address: DatabaseAddress): Promise<boolean> {
  const sql = postgres({ ...connectionOptions(address), max: 1, onnotice: () => {} });
  try {
    return await isPooled(sql);
  } finally {
    await sql.end({ timeout: 1 });
  }
}

/**
 * Whether a connection is one to a pooler: a pooler gives its clients process ids that aren't those of the server's processes.
 */
export async function isPooled(sql: postgres.ISql): Promise<boolean> {
  const rows = await sql`select pg_backend_pid() as pid`;
  return one(rows, z.object({ pid: z.int() })).pid !== rows.state.pid;
}

/**
 * The same pool, which runs each awaited statement in a transaction of its own with these settings. Statements of `begin` and
 * `reserve` don't have them.
 */
function inTransactions(sql: Sql, settings: Record<string, string>): Sql {
  const values = Object.entries(settings).map(
    ([name, value]) => `set_config(${quotedText(name)}, ${quotedText(value)}, true)`,
  );
  const begin = `begin; select ${values.join(", ")}`;
  const unsafe = new Proxy(sql.unsafe, {
    apply: (target, self, args) =>
      runWhenAwaited(Reflect.apply(target, self, args), () =>
        inTransaction(sql, begin, (connection) =>
          Reflect.apply(connection.unsafe, connection, args),
        ),
      ),
  });
  return new Proxy(sql, {
    apply: (target, self, args) =>
      runWhenAwaited(Reflect.apply(target, self, args), () =>
        inTransaction(sql, begin, (connection) => Reflect.apply(connection, self, args)),
      ),
    get: (target, name) => (name === "unsafe" ? unsafe : Reflect.get(target, name)),
  });
}

/** Replaces how a statement runs when it is first awaited. As a fragment of another one it works as before. */
function runWhenAwaited(query: unknown, run: () => Promise<unknown>): unknown {
  if (!(query instanceof Promise)) return query;
  let running: Promise<unknown> | undefined;
  const result = () => (running ??= run());
  const settle: Pick<Promise<unknown>, "then" | "catch" | "finally"> = {
    then: (...handlers) => result().then(...handlers),
    catch: (handler) => result().catch(handler),
    finally: (handler) => result().finally(handler),
  };
  for (const [name, value] of Object.entries(settle)) {
    Object.defineProperty(query, name, { value, configurable: true });
  }
  return query;
}

/**
 * Runs a statement on a reserved connection. The pool's own statements share connections, where `begin` of postgres.js can
 * mix transactions (porsager/postgres#1204).
 */
async function inTransaction(
  sql: Sql,
  begin: string,
  run: (connection: postgres.ReservedSql<Types>) => unknown,
): Promise<unknown> {
  const connection = await sql.reserve();
  let isLost = false;
  const noticing = async (query: unknown) => {
    try {
      return await query;
    } catch (error) {
      isLost = isConnectionLost(error);
      throw error;
    }
  };
  try {
    await noticing(connection.unsafe(begin));
    const result = await noticing(run(connection));
    await noticing(connection.unsafe("commit"));
    return result;
  } catch (error) {
    if (!isLost) await noticing(connection.unsafe("rollback"));
    throw error;
  } finally {
    // The pool opens a lost connection again by itself, and must not get it back.
    if (!isLost) connection.release();
  }
}

function isConnectionLost(error: unknown): boolean {
  const code = databaseError(error)?.code;
  if (code === undefined || error instanceof postgres.PostgresError) return false;
  return !statementCodes.has(code);
}
