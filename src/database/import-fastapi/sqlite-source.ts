// A source in a file of SQLite.
import { Database } from "bun:sqlite";
import { z } from "zod";
import { quotedName } from "../names.ts";
import { byTable, pageSize, selectList, type Row, type Source, SourceError } from "./source.ts";

const Columns = z.array(z.object({ table: z.string(), column: z.string() }));
const SourceRow = z.record(z.string(), z.unknown());

/**
 * Calls `work` with the database of a file, which is only read, in one state.
 * @throws SourceError when the file cannot be read as a database
 */
export async function withSqlite<T>(file: string, work: (source: Source) => Promise<T>) {
  const database = open(file);
  try {
    return await work({ tables: readTables(database, file), readPages: reader(database) });
  } finally {
    database.close();
  }
}

function open(file: string): Database {
  try {
    // Without `safeIntegers` an id above 2^53 would be read as another one.
    return new Database(file, { readonly: true, safeIntegers: true });
  } catch (error) {
    throw unreadable(file, error);
  }
}

/** Begins the transaction in which everything is read. */
function readTables(database: Database, file: string): Source["tables"] {
  try {
    database.run("begin");
    const rows = database
      .query(
        `select m.name as "table", c.name as "column"
         from sqlite_schema m join pragma_table_info(m.name) c
         where m.type in ('table', 'view') and m.name not like 'sqlite\\_%' escape '\\'
         order by m.name, c.cid`,
      )
      .all();
    return byTable(Columns.parse(rows));
  } catch (error) {
    throw unreadable(file, error);
  }
}

const reader = (database: Database): Source["readPages"] =>
  async function* (table, columns) {
    const list = selectList(columns, quotedName);
    const rows = database.query(`select ${list} from ${quotedName(table)} order by 1, 2`);
    let page: Row[] = [];
    for (const row of rows.iterate()) {
      page.push(SourceRow.parse(row));
      if (page.length < pageSize) continue;
      yield page;
      page = [];
    }
    if (page.length > 0) yield page;
  };

function unreadable(file: string, cause: unknown): SourceError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new SourceError(`${file} cannot be read as a database of SQLite: ${reason}`, { cause });
}
