// Rolls many migrations back, for which dbmate would be started once for each.
import { join } from "node:path";
import { z } from "zod";
import { many, type Sql } from "../../src/database/connect.ts";
import { defaultMigrationsDir } from "../../src/database/migrations/dbmate.ts";
import { migrationNames } from "../../src/database/migrations/states.ts";

/**
 * Runs the part for the way down of the applied migrations, the last one first, each in a transaction as dbmate does.
 * @param end the end of the name of the last one that is rolled back
 * @returns their names in the order in which they were applied
 */
export async function goBack(sql: Sql, end: string): Promise<string[]> {
  const names = migrationNames(defaultMigrationsDir);
  const applied = many(
    await sql`select version from schema_migrations order by version desc`,
    z.object({ version: z.string() }),
  );
  const gone: string[] = [];
  for (const { version } of applied) {
    const name = names.find((file) => file.startsWith(`${version}_`)) ?? "none";
    const [, down = ""] = (await Bun.file(join(defaultMigrationsDir, name)).text()).split(
      /^-- migrate:down.*$/m,
    );
    // Statements that are sent together are one transaction.
    await sql
      .unsafe(`${down}; delete from schema_migrations where version = '${version}'`)
      .simple();
    gone.unshift(name);
    if (name.endsWith(end)) return gone;
  }
  throw new Error(`there is no migration ${end}`);
}
