// Data folders with an embedded database that has been made and migrated already: making one takes a processor a second.
import { existsSync } from "node:fs";
import type { Logger } from "pino";
import { parseDatabaseUrl } from "../../src/config/database-address.ts";
import { migrate } from "../../src/database/migrations/migrate.ts";
import { startEmbeddedPostgres } from "../../src/embedded-postgres/embedded-postgres.ts";

/** The setting by which `bun run check` tells its workers the folder that they copy. */
export const dataFolderSetting = "TEST_DATA_FOLDER";

/** Makes a data folder whose embedded database is migrated, and does not run. */
export async function makeDataFolder(dataDir: string, log: Logger): Promise<void> {
  const database = await startEmbeddedPostgres({ dataDir, log });
  try {
    await migrate(parseDatabaseUrl(database.url), { log });
  } finally {
    await database.stop();
  }
}

/** Copies a data folder whose database does not run. */
export function copyDataFolder(from: string, to: string): void {
  const copied = Bun.spawnSync(["cp", "-Rp", from, to]);
  if (!copied.success) throw new Error(copied.stderr.toString());
}

/**
 * For a test that does not ask how a database is made: in `bun run check` the folder is there afterwards, as if a server had
 * made and migrated its database. A run of single files leaves that to the server.
 * @param dataDir a folder that does not exist yet
 */
export function prepareDataFolder(dataDir: string): string {
  const made = process.env[dataFolderSetting];
  if (made && !existsSync(dataDir)) copyDataFolder(made, dataDir);
  return dataDir;
}
