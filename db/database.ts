// The database of a command.
import type { Logger } from "pino";
import type { Config } from "../src/config/config.ts";
import { type DatabaseAddress, parseDatabaseUrl } from "../src/config/database-address.ts";
import { borrowEmbeddedPostgres } from "../src/embedded-postgres/embedded-postgres.ts";

/** Calls `work` with the address of DATABASE_URL, or with that of the embedded database, which it starts unless a server runs it. */
export async function withDatabase<T>(
  { database, dataDir }: Config,
  log: Logger,
  work: (address: DatabaseAddress) => Promise<T>,
): Promise<T> {
  if (database) return work(database);
  const borrowed = await borrowEmbeddedPostgres({ dataDir, log });
  try {
    return await work(parseDatabaseUrl(borrowed.url));
  } finally {
    await borrowed.stop();
  }
}
