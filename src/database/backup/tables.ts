// The tables of a backup: all of the current schema except dbmate's own.
import type postgres from "postgres";
import { z } from "zod";
import { many } from "../connect.ts";

export interface Table {
  name: string;
  /** The stored columns in order, without generated ones. */
  columns: string[];
}

const TableRow = z.object({ name: z.string(), columns: z.array(z.string()) });
const ReferenceRow = z.object({ from: z.string(), to: z.string() });

/** All tables, each after those that it refers to. @throws Error when tables refer to each other in a circle */
export async function readTables(sql: postgres.ISql): Promise<Table[]> {
  const schema = currentSchema(sql);
  const tables = many(
    await sql`
      select c.relname as name, array_agg(a.attname::text order by a.attnum) as columns
      from pg_class c
      join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped and a.attgenerated = ''
      where c.relnamespace = ${schema} and c.relkind = 'r' and c.relname <> 'schema_migrations'
      group by c.relname order by c.relname
    `,
    TableRow,
  );
  const references = many(
    await sql`
      select c.relname as "from", r.relname as "to"
      from pg_constraint k join pg_class c on c.oid = k.conrelid join pg_class r on r.oid = k.confrelid
      where k.contype = 'f' and c.relnamespace = ${schema} and k.conrelid <> k.confrelid
    `,
    ReferenceRow,
  );
  return inOrder(tables, references);
}

/** The sequences behind identity columns. */
export async function readSequences(sql: postgres.ISql): Promise<string[]> {
  const rows = await sql`
    select relname as name from pg_class
    where relnamespace = ${currentSchema(sql)} and relkind = 'S' order by relname
  `;
  return many(rows, z.object({ name: z.string() })).map(({ name }) => name);
}

const currentSchema = (sql: postgres.ISql) =>
  sql`(select oid from pg_namespace where nspname = current_schema())`;

function inOrder(tables: Table[], references: z.infer<typeof ReferenceRow>[]): Table[] {
  const ordered: Table[] = [];
  const waiting = new Set(tables);
  while (waiting.size > 0) {
    const names = new Set(Array.from(waiting, ({ name }) => name));
    const next = [...waiting].filter(
      ({ name }) => !references.some(({ from, to }) => from === name && names.has(to)),
    );
    if (next.length === 0) {
      throw new Error(`Tables refer to each other in a circle: ${[...names].join(", ")}.`);
    }
    for (const table of next) waiting.delete(table);
    ordered.push(...next);
  }
  return ordered;
}
