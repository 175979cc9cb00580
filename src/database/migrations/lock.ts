// The lock of processes that migrate: PostgreSQL's advisory lock of a transaction, since a pooler would keep that of a session
// after the session's end.
import type { Logger } from "pino";
import postgres from "postgres";
import { z } from "zod";
import type { DatabaseAddress } from "../../config/database-address.ts";
import { connectionOptions } from "../connection-options.ts";

const lockNotAvailable = "55P03";

/**
 * Runs `work` while this process has the lock, for which it waits up to `waitMs`.
 * @throws Error when another process still has the lock then; the database's, and that of `work`
 */
export async function withMigrationLock<T>(
  address: DatabaseAddress,
  { log, waitMs }: { log: Logger; waitMs: number },
  work: () => Promise<T>,
): Promise<T> {
  const sql = postgres({
    ...connectionOptions(address, "migrate"),
    max: 1,
    max_lifetime: null,
    onnotice: () => {},
  });
  try {
    // postgres.js would take a result that is an array for a list of statements.
    const { result } = await sql.begin(async (transaction) => {
      await take(transaction, log, waitMs);
      return { result: await work() };
    });
    return result;
  } finally {
    await sql.end({ timeout: 5 });
  }
}

async function take(sql: postgres.TransactionSql, log: Logger, waitMs: number): Promise<void> {
  // The transaction is idle while the migrations run; not every server has all of these settings.
  await sql`
    select set_config(name, '0', true) from pg_settings
    where name in ('idle_in_transaction_session_timeout', 'transaction_timeout', 'statement_timeout')
  `;
  await sql`select set_config('lock_timeout', ${`${waitMs}ms`}, true)`;
  const rows = await sql`
    select pg_try_advisory_xact_lock(hashtextextended('gemini-coop migrations', 0)) as taken
  `;
  const [{ taken }] = z.tuple([z.object({ taken: z.boolean() })]).parse([...rows]);
  if (taken) return;
  const holder = await holderOf(sql);
  log.warn(
    { holder },
    `waiting up to ${waitMs / 1000} s for another migration of the database to end (${holder})`,
  );
  try {
    await sql`select pg_advisory_xact_lock(hashtextextended('gemini-coop migrations', 0))`;
  } catch (error) {
    if (!(error instanceof postgres.PostgresError && error.code === lockNotAvailable)) throw error;
    throw new Error(`another migration has not ended within ${waitMs / 1000} s (${holder})`, {
      cause: error,
    });
  }
}

/** Describes the server process that has the lock. */
async function holderOf(sql: postgres.TransactionSql): Promise<string> {
  const rows = await sql`
    select a.pid, a.application_name as name, a.backend_start::text as since
    from pg_locks l join pg_stat_activity a using (pid)
    where l.locktype = 'advisory' and l.granted and l.objsubid = 1
      and (l.classid::bigint << 32) | l.objid::bigint = hashtextextended('gemini-coop migrations', 0)
      and l.database = (select oid from pg_database where datname = current_database())
  `;
  const Row = z.object({ pid: z.int(), name: z.string(), since: z.string() });
  const [holder] = z.array(Row).parse([...rows]);
  if (!holder) return "it has just ended";
  return `PostgreSQL's process ${holder.pid}, "${holder.name}", connected since ${holder.since}`;
}
