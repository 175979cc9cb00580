// The database of a command.
import type { Logger } from "pino";
import type { Config } from "../src/config/config.ts";
import { borrowEmbeddedPostgres } from "../src/embedded-postgres/embedded-postgres.ts";

/** Calls `work` with DATABASE_URL, or with the address of the embedded database, which it starts unless a server runs it. */
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
