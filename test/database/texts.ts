// Looks for texts in all tables, as a dump of the database would show them.
import { z } from "zod";
import { many, type Sql } from "../../src/database/connect.ts";

const Column = z.object({ table: z.string(), column: z.string(), type: z.string() });
export type Column = z.infer<typeof Column>;

/** All columns of tables that can hold a text: texts, JSON, words of the searches, bytes, and arrays of those. */
export async function textColumns(sql: Sql): Promise<Column[]> {
  return many(
    await sql`
      select c.relname as table, a.attname as column, format_type(a.atttypid, null) as type
      from pg_attribute a
      join pg_class c on c.oid = a.attrelid
      join pg_type t on t.oid = a.atttypid
      left join pg_type e on e.oid = t.typelem and t.typcategory = 'A'
      where c.relkind in ('r', 'p') and c.relnamespace = current_schema()::regnamespace
        and a.attnum > 0 and not a.attisdropped
        and coalesce(e.typname, t.typname)
          in ('text', 'varchar', 'bpchar', 'name', 'citext', 'json', 'jsonb', 'xml', 'hstore', 'tsvector', 'bytea')
      order by 1, 2
    `,
    Column,
  );
}

/** The tables with a row that has a word in it, whatever its case, or its bytes in UTF-8. */
export async function tablesWith(sql: Sql, word: string): Promise<string[]> {
  const tables = many(
    await sql`
      select quote_ident(table_schema) || '.' || quote_ident(table_name) as name
      from information_schema.tables
      where table_type = 'BASE TABLE' and table_schema not in ('pg_catalog', 'information_schema')
      order by 1
    `,
    z.object({ name: z.string() }),
  );
  const found: string[] = [];
  const [text, bytes] = [`%${word}%`, `%${Buffer.from(word).toString("hex")}%`];
  for (const { name } of tables) {
    const rows = await sql`
      select from ${sql.unsafe(name)} t where t::text ilike any (array[${text}, ${bytes}]) limit 1
    `;
    if (rows.length > 0) found.push(name);
  }
  return found;
}
