// The database that a command works on.
import type { Logger } from "pino";
import type { Config } from "../src/config/config.ts";
import { borrowEmbeddedPostgres } from "../src/embedded-postgres/embedded-postgres.ts";

/** Lends the address of DATABASE_URL, or else of the embedded database, whether a server runs it or not. */
export async function withDatabase<T>(
  { databaseUrl, dataDir }: Config,
  log: Logger,
  work: (url: string) => Promise<T>,
): Promise<T> {
  if (databaseUrl !== undefined) return work(databaseUrl);
  const borrowed = await borrowEmbeddedPostgres({ dataDir, log });
  try {
    return await work(borrowed.url);
  } finally {
    await borrowed.stop();
  }
}
