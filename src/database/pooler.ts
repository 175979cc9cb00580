// Connection poolers such as PgBouncer in transaction mode. They run each transaction on any of their server connections, so
// that nothing which belongs to a connection can be relied on: neither settings nor named statements.
import type { Logger } from "pino";
import postgres from "postgres";
import { z } from "zod";
import type { DatabaseAddress } from "../config/database-address.ts";
import { connect, one, poolOptions, settings, type Sql, type Types } from "./connect.ts";
import { connectionOptions } from "./connection-options.ts";
import { quotedText } from "./names.ts";

const poolMax = 10;

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
  /** While all that runs are transactions, postgres.js lets each have a connection of its own. */
  const inTransaction = (run: (transaction: postgres.TransactionSql<Types>) => unknown) =>
    sql.begin(async (transaction) => {
      await transaction.unsafe(`select ${values.join(", ")}`);
      return await run(transaction);
    });
  const unsafe = new Proxy(sql.unsafe, {
    apply: (target, self, args) =>
      runWhenAwaited(Reflect.apply(target, self, args), () =>
        inTransaction((transaction) => Reflect.apply(transaction.unsafe, transaction, args)),
      ),
  });
  return new Proxy(sql, {
    apply: (target, self, args) =>
      runWhenAwaited(Reflect.apply(target, self, args), () =>
        inTransaction((transaction) => Reflect.apply(transaction, self, args)),
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
