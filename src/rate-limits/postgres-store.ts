// What rate-limiter-flexible asks of PostgreSQL, on this server's own pool.
import type { Logger } from "pino";
import type { Sql } from "../database/connect.ts";
import { within } from "../schedule.ts";

/** Every request waits for its count, so that a database which is slow must not hold it up for long. */
const queryTimeoutMs = 1_000;
/** After a failure it is not asked again for so long. */
const awayMs = 1_000;

interface Query {
  text: string;
  values: (string | number | null)[];
}

export type PostgresStore = ReturnType<typeof createPostgresStore>;

/** The library's options of a store in the table `rate_limits`. */
export function createPostgresStore(sql: Sql, log: Logger) {
  let awayUntilMs = 0;
  /** @throws Error when the database is away, or was just now */
  async function query({ text, values }: Query) {
    if (performance.now() < awayUntilMs) throw new Error("the store of rates is away");
    try {
      const asked = sql.unsafe(text, values, { prepare: true });
      if (!(await within(queryTimeoutMs, asked))) throw new Error("the store of rates is slow");
      const rows = await asked;
      return { rows: [...rows], rowCount: rows.count };
    } catch (error) {
      awayUntilMs = performance.now() + awayMs;
      log.warn({ err: error }, "rates are counted by this server alone for now");
      throw error;
    }
  }
  return {
    storeClient: { query },
    storeType: "client",
    tableName: "rate_limits",
    tableCreated: true,
    clearExpiredByTimeout: false,
  };
}

/** Removes counters whose window is over. */
export async function deleteExpiredRates(sql: Sql): Promise<void> {
  await sql`delete from rate_limits where expire < ${Date.now()}`;
}
