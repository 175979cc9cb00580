import type { Sql } from "../../../src/database/connect.ts";

/** A query of a database as test/world/filled.ts fills it, and what it may read there. */
export interface PlanCase {
  what: string;
  run: (sql: Sql) => Promise<unknown>;
  /** The largest number of rows that the query may read in each table. */
  rows: Record<string, number>;
  /** Indexes that it uses. */
  by: string[];
}

export const source = { address: "127.0.0.1", userAgent: null };
