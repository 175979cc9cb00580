// The counters of rate-limiter-flexible in PostgreSQL, on this server's own pool.
import type { Logger } from "pino";
import type { Sql } from "../database/connect.ts";
import { within } from "../schedule.ts";

/** Every request waits for its count, so a slow database must not hold it up for long. */
const queryTimeoutMs = 1_000;
/** Milliseconds after a failure in which the database is not asked again. */
const awayMs = 1_000;

interface Query {
  text: string;
  values: (string | number | null)[];
}

export class PostgresStore {
  readonly #sql: Sql;
  readonly #log: Logger;
  #awayUntilMs = 0;

  constructor(sql: Sql, log: Logger) {
    this.#sql = sql;
    this.#log = log;
  }

  /** The library's options for counting in the table `rate_limits`. */
  get libraryOptions() {
    return {
      storeClient: { query: (query: Query) => this.#query(query) },
      storeType: "client",
      tableName: "rate_limits",
      tableCreated: true,
      clearExpiredByTimeout: false,
    };
  }

  /** Removes counters whose window is over. */
  async deleteExpired(): Promise<void> {
    await this.#sql`delete from rate_limits where expire < ${Date.now()}`;
  }

  /** @throws Error when the database is away, or was a moment ago */
  async #query({ text, values }: Query) {
    if (performance.now() < this.#awayUntilMs) throw new Error("the rate limits' store is away");
    try {
      const asked = this.#sql.unsafe(text, values, { prepare: true });
      if (!(await within(queryTimeoutMs, asked))) throw new Error("the rate limits' store is slow");
      const rows = await asked;
      return { rows: [...rows], rowCount: rows.count };
    } catch (error) {
      this.#awayUntilMs = performance.now() + awayMs;
      this.#log.warn({ err: error }, "this server counts rate limits by itself for now");
      throw error;
    }
  }
}
