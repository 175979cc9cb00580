// The state of each migration, read from the files and from dbmate's table.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import postgres from "postgres";
import { z } from "zod";
import { dataLossIn } from "./data-loss.ts";

/** An undefined table, an undefined schema. */
const undefinedCodes = new Set(["42P01", "3F000"]);

export interface MigrationState {
  /** The file's name. */
  name: string;
  applied: boolean;
  /** A description of the data that applying it destroys; undefined when it destroys none. */
  dataLoss: string | undefined;
}

/** The names of the files, in order. @throws Error when there are none */
export function migrationNames(migrationsDir: string): string[] {
  // The same as dbmate's own pattern.
  const names = readdirSync(migrationsDir).filter((name) => /^\d+.*\.sql$/.test(name));
  if (names.length === 0) throw new Error(`There are no migrations in ${migrationsDir}.`);
  return names.sort();
}

/** The version that dbmate stores: the digits that the file's name begins with. */
export function versionOf(name: string): string {
  return /^\d+/.exec(name)?.[0] ?? "";
}

/**
 * The applied versions in order; none in a database without dbmate's table.
 * @param schema of the table; undefined: that of the connection
 */
export async function appliedVersions(sql: postgres.ISql, schema?: string): Promise<string[]> {
  const table =
    schema === undefined ? sql("schema_migrations") : sql(`${schema}.schema_migrations`);
  try {
    const rows = await sql`select version from ${table} order by version`;
    return z
      .array(z.object({ version: z.string() }))
      .parse(rows)
      .map(({ version }) => version);
  } catch (error) {
    if (error instanceof postgres.PostgresError && undefinedCodes.has(error.code)) return [];
    throw error;
  }
}

/** Every migration of a folder, in order. @throws Error when there are none */
export async function readStates(
  sql: postgres.ISql,
  migrationsDir: string,
  schema?: string,
): Promise<MigrationState[]> {
  const names = migrationNames(migrationsDir);
  const applied = new Set(await appliedVersions(sql, schema));
  return names.map((name) => ({
    name,
    applied: applied.has(versionOf(name)),
    dataLoss: dataLossIn(readFileSync(join(migrationsDir, name), "utf8")),
  }));
}
