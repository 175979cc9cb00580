// Lists the rows that the import leaves out or changes, and counts those that it takes.
import type postgres from "postgres";
import { z } from "zod";
import { many } from "../connect.ts";
import { type FoundTables, type TableKind, tableKinds } from "./layout.ts";

const linesAtOnce = 500;

export interface Counts {
  taken: number;
  /** Rows that are taken in another form than the source has them; a part of `taken`. */
  changed: number;
  leftOut: number;
}

const ListedRow = z.object({
  key: z.string(),
  fault: z.string().nullable(),
  changes: z.array(z.string()),
});
const CountRow = z.object({
  kind: z.enum(tableKinds),
  taken: z.int(),
  changed: z.int(),
  leftOut: z.int(),
});

/** Tells `list` of every row that is left out or changed, in the order of the source: a line each. */
export async function listRows(
  sql: postgres.TransactionSql,
  tables: FoundTables,
  list: (line: string) => void,
): Promise<void> {
  for (const kind of tableKinds) {
    const name = tables[kind]?.name;
    const rows = sql.unsafe(`
      select key, fault, changes from staged_${kind}
      where fault is not null or cardinality(changes) > 0
      order by n
    `);
    for await (const page of rows.cursor(linesAtOnce)) {
      for (const { key, fault, changes } of many(page, ListedRow)) {
        list(
          fault === null
            ? `${name} ${key}: taken, but ${changes.join("; ")}`
            : `${name} ${key}: left out: ${fault}`,
        );
      }
    }
  }
}

export async function countRows(sql: postgres.TransactionSql): Promise<Record<TableKind, Counts>> {
  const counts = tableKinds.map(
    (kind) => `
      select '${kind}' as kind,
        (count(*) filter (where fault is null))::int as taken,
        (count(*) filter (where fault is null and cardinality(changes) > 0))::int as changed,
        (count(*) filter (where fault is not null))::int as "leftOut"
      from staged_${kind}
    `,
  );
  const none: Counts = { taken: 0, changed: 0, leftOut: 0 };
  const found: Record<TableKind, Counts> = {
    users: none,
    chats: none,
    participants: none,
    messages: none,
    receipts: none,
  };
  for (const { kind, ...rest } of many(await sql.unsafe(counts.join(" union all ")), CountRow)) {
    found[kind] = rest;
  }
  return found;
}
