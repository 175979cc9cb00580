// Refuses to fill a database that is in use.
import type postgres from "postgres";
import type { DatabaseAddress } from "../../config/database-address.ts";
import { applicationName, setLocally } from "../connection-options.ts";
import { quotedName } from "../names.ts";
import { isPooled } from "../pooler.ts";
import type { Table } from "./tables.ts";

/**
 * Sets the address's schemas for the transaction, too.
 * @param action a verb: what the user wanted to do
 * @throws Error with a sentence for the user when a server is connected to the database
 */
export async function refuseServers(
  sql: postgres.TransactionSql,
  address: DatabaseAddress,
  action: string,
): Promise<void> {
  await setLocally(sql, address, {});
  // The connections of a pooler outlive the servers that used them.
  const servers = await sql`
    select 1 from pg_stat_activity
    where datname = current_database() and application_name = ${applicationName(address)} limit 1
  `;
  if (servers.length > 0 && !(await isPooled(sql))) {
    throw new Error(`A server is using the database: stop it first, then ${action}.`);
  }
}

/**
 * @param filling a noun with its article: what was to go into the database
 * @throws Error with a sentence for the user when one of the tables has a row
 */
export async function refuseRows(
  sql: postgres.ISql,
  tables: Table[],
  filling: string,
): Promise<void> {
  const filled: string[] = [];
  for (const { name } of tables) {
    const rows = await sql.unsafe(`select 1 from ${quotedName(name)} limit 1`);
    if (rows.length > 0) filled.push(name);
  }
  if (filled.length === 0) return;
  throw new Error(
    `The database has rows already (${filled.join(", ")}), and ${filling} goes into an empty one only: ` +
      "set DATABASE_URL to a new database, or, for the embedded one, DATA_DIR to a new folder.",
  );
}
