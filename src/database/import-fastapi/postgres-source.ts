// A source in PostgreSQL.
import postgres from "postgres";
import { z } from "zod";
import type { DatabaseAddress } from "../../config/database-address.ts";
import { many } from "../connect.ts";
import { connectionOptions, setLocally } from "../connection-options.ts";
import { quotedName } from "../names.ts";
import { byTable, pageSize, selectList, type Source, SourceError } from "./source.ts";

const ColumnRow = z.object({ table: z.string(), column: z.string() });

/** Formats that the import understands; and it waits long for itself, but not for a table that another one has locked. */
const settings = {
  DateStyle: "ISO",
  TimeZone: "UTC",
  statement_timeout: "0",
  idle_in_transaction_session_timeout: "0",
  lock_timeout: "10s",
};

/**
 * Calls `work` with a database, which is only read, in one state.
 * @throws SourceError when the database cannot be reached
 */
export async function withPostgres<T>(
  address: DatabaseAddress,
  work: (source: Source) => Promise<T>,
): Promise<T> {
  const sql = postgres({
    ...connectionOptions(address, "import"),
    max: 1,
    max_lifetime: null,
    onnotice: () => {},
  });
  try {
    await sql`select 1`.catch((error: unknown) => Promise.reject(unreachable(address, error)));
    // postgres.js would take a result that is an array for a list of statements.
    const { result } = await sql.begin(
      "isolation level repeatable read read only",
      async (transaction) => {
        await setLocally(transaction, address, settings);
        const tables = await readTables(transaction);
        return { result: await work({ tables, readPages: reader(transaction) }) };
      },
    );
    return result;
  } finally {
    await sql.end({ timeout: 5 });
  }
}

async function readTables(sql: postgres.TransactionSql): Promise<Source["tables"]> {
  const rows = await sql`
    select c.relname as "table", a.attname as "column"
    from pg_class c
    join pg_namespace n on n.oid = c.relnamespace
    join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
    where c.relkind in ('r', 'p', 'v', 'm', 'f') and pg_table_is_visible(c.oid)
      and n.nspname <> 'information_schema' and n.nspname !~ '^pg_'
    order by c.relname, a.attnum
  `;
  return byTable(many(rows, ColumnRow));
}

/** Every value is read as text, so that a column may have any type. */
const reader = (sql: postgres.TransactionSql): Source["readPages"] =>
  async function* (table, columns) {
    const list = selectList(columns, (name) => `t.${quotedName(name)}::text`);
    // With the alias these are the columns themselves, and not their texts.
    const order = Object.values(columns)
      .slice(0, 2)
      .map((name) => `t.${quotedName(name)}`);
    const query = sql.unsafe(
      `select ${list} from ${quotedName(table)} t order by ${order.join(", ")}`,
    );
    yield* query.cursor(pageSize);
  };

function unreachable({ host, port, database }: DatabaseAddress, cause: unknown): SourceError {
  const place = host.startsWith("/") ? `${database} in ${host}` : `${host}:${port}/${database}`;
  const reason = cause instanceof Error ? cause.message || cause.name : String(cause);
  return new SourceError(`The database ${place} cannot be read: ${reason}`, { cause });
}
