// All that a database holds, to compare one with another.
import { pino } from "pino";
import { parseDatabaseUrl } from "../../src/config/database-address.ts";
import { connect, type Sql } from "../../src/database/connect.ts";
import { quotedName } from "../../src/database/names.ts";
import { readSequences, readTables } from "../../src/database/backup/tables.ts";

const log = pino({ level: "silent" });

/** Lends a connection. */
export async function using<T>(url: string, work: (sql: Sql) => Promise<T>): Promise<T> {
  const sql = connect(parseDatabaseUrl(url), log, { max: 1 });
  try {
    return await work(sql);
  } finally {
    await sql.end();
  }
}

/** Every row of every table, and where the sequences are. */
export function everything(url: string) {
  return using(url, async (sql) => {
    const found: Record<string, string[]> = {};
    for (const { name } of await readTables(sql)) {
      const rows = await sql.unsafe(`select t::text as row from ${quotedName(name)} t order by 1`);
      found[name] = rows.map(({ row }) => String(row));
    }
    for (const name of await readSequences(sql)) {
      const rows = await sql.unsafe(`select last_value, is_called from ${quotedName(name)}`);
      found[name] = rows.map((row) => JSON.stringify(row));
    }
    return found;
  });
}
