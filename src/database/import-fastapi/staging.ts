// Temporary tables in the target, which hold the rows of the source until they have been checked and numbered. They vanish
// with the transaction.
import type postgres from "postgres";
import { type FoundTables, type TableKind, tableKinds } from "./layout.ts";
import { parsers, type ParseOptions, type StagedRow } from "./rows.ts";
import type { Source } from "./source.ts";

const progressRows = 20_000;

/** Every staged table has these, too. */
const commonColumns = "n bigint, key text, fault text, changes text[]";
const columnsOf: Readonly<Record<TableKind, string>> = {
  users:
    "id bigint, username text, given text, candidate text, email text, hash text, created_at timestamptz",
  chats:
    "id bigint, name text, owner_id bigint, has_owner boolean, is_group boolean, is_ai_chat boolean, created_at timestamptz",
  participants: "chat_id bigint, user_id bigint, is_admin boolean, joined_at timestamptz",
  messages:
    "id bigint, chat_id bigint, user_id bigint, author text, content text, is_bot boolean, created_at timestamptz",
  receipts: "message_id bigint, user_id bigint",
};

const indexes = `
  create index on staged_users (id);
  create index on staged_users (lower(username));
  create index on staged_chats (id);
  create index on staged_participants (chat_id, user_id);
  create index on staged_messages (id);
  create index on staged_messages (chat_id);
`;

/**
 * Reads all of the source into temporary tables `staged_users` and so on.
 * @param progress is called with the progress
 */
export async function stage(
  sql: postgres.TransactionSql,
  source: Source,
  tables: FoundTables,
  options: ParseOptions & { progress: (text: string) => void },
): Promise<void> {
  for (const kind of tableKinds) {
    const columns = `${commonColumns}, ${columnsOf[kind]}`;
    await sql.unsafe(`create temporary table staged_${kind} (${columns}) on commit drop`);
    const table = tables[kind];
    if (!table) continue;
    let n = 0;
    for await (const page of source.readPages(table.name, table.columns)) {
      const rows = page.map((row, index) => parsers[kind](row, n + index + 1, options));
      await insertRows(sql, kind, columns, rows);
      const before = n;
      n += page.length;
      if (Math.floor(n / progressRows) > Math.floor(before / progressRows)) {
        options.progress(`${table.name}: ${n.toLocaleString("en-US")} rows read`);
      }
    }
    options.progress(`${table.name}: all ${n.toLocaleString("en-US")} rows read`);
  }
  await sql.unsafe(indexes);
  await sql.unsafe(tableKinds.map((kind) => `analyze staged_${kind}`).join("; "));
}

async function insertRows(
  sql: postgres.TransactionSql,
  kind: TableKind,
  columns: string,
  rows: StagedRow[],
): Promise<void> {
  // The parameter is text, since postgres.js would encode a parameter of type json once more.
  await sql.unsafe(
    `insert into staged_${kind} select * from json_to_recordset($1::text::json) as r (${columns})`,
    [JSON.stringify(rows)],
  );
}
