// A page of a chat's history.
import type { Sql } from "../database/connect.ts";
import type { Message } from "../wire/messages.ts";
import { memberNames, shownUsername } from "./messages.ts";

/**
 * SQL of the members that are read as null in most messages: the chat, which is known, and members that have their default.
 * A null in the place of a value costs PostgreSQL and the server less.
 */
const shortened = {
  chat_id: "null::bigint",
  updated_seq: "nullif(m.updated_seq, m.seq)",
  is_bot: "nullif(m.is_bot, false)",
  status: "nullif(m.status, 'complete')",
  mentions: "nullif(m.mentions, '{}')",
  reactions: "nullif(m.reactions, '[]')",
  attachments: "case when m.attachments::text <> '[]' then m.attachments end",
} satisfies { [Name in keyof Message]?: string };

type Shortened = keyof typeof shortened;
type PageRow = Omit<Message, Shortened> & { [Name in Shortened]: Message[Name] | null };

const columnTexts: Record<string, string> = { ...shortened, username: shownUsername };
const pageColumns = memberNames
  .map((name) => `${columnTexts[name] ?? `m.${name}`} as ${name}`)
  .join(", ");

// The caller's participation yields a row even when the page is empty; its `seq` is null then.
type FoundRow = PageRow | { seq: null };

/**
 * Finds messages between two numbers (both excluded), oldest first. If there are more than `limit`, they are the newest of
 * them, or with `fromOldest` the oldest. The rows are not parsed, which would cost as much as the whole statement: the
 * contract tests hold their form. JSON that PostgreSQL writes costs it twice the time of the rows.
 * @returns undefined for a chat that the caller is not in
 */
export async function findMessages(
  sql: Sql,
  userId: number,
  chatId: number,
  page: {
    after: number | undefined;
    before: number | undefined;
    fromOldest: boolean;
    limit: number;
  },
): Promise<Message[] | undefined> {
  const direction = page.fromOldest ? sql`asc` : sql`desc`;
  const rows = await sql<FoundRow[]>`
    select ${sql.unsafe(pageColumns)}
    from chat_participants me
    left join lateral (
      select *
      from messages
      where chat_id = me.chat_id
        ${page.after === undefined ? sql`` : sql`and seq > ${page.after}`}
        ${page.before === undefined ? sql`` : sql`and seq < ${page.before}`}
      order by seq ${direction}
      limit ${page.limit}
    ) m on true
    left join users u on u.id = m.user_id
    where me.chat_id = ${chatId} and me.user_id = ${userId}
    order by m.seq
  `;
  if (rows.length === 0) return undefined;
  return rows.flatMap((row) => {
    if (row.seq === null) return [];
    complete(row, chatId);
    return [row];
  });
}

/** Gives the members of a row that were read as null their values. A copy of each row would take longer. */
function complete(row: PageRow, chatId: number): asserts row is Message {
  row.chat_id = chatId;
  row.updated_seq ??= row.seq;
  row.is_bot ??= false;
  row.status ??= "complete";
  row.mentions ??= [];
  row.reactions ??= [];
  row.attachments ??= [];
}
