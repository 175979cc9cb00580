// A page of a chat's history.
import type { Sql } from "../database/connect.ts";
import type { Message } from "../wire/messages.ts";
import { shownUsername } from "./messages.ts";

/** Members that have their default in most messages. A null in its place costs PostgreSQL and the server less than a value. */
type Defaulted = "updated_seq" | "is_bot" | "status" | "mentions" | "reactions" | "attachments";

/** The members of a message but the chat, which is known. */
type PageRow = Omit<Message, Defaulted | "chat_id"> & {
  [Name in Defaulted]: Message[Name] | null;
};

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
    select m.id, m.seq, nullif(m.updated_seq, m.seq) as updated_seq, m.user_id, ${sql.unsafe(shownUsername)} as username,
      m.content, nullif(m.is_bot, false) as is_bot, nullif(m.status, 'complete') as status, m.answer_to, m.client_id,
      m.created_at, m.error, m.sources, m.edited_at, m.deleted_at, m.reply_to, nullif(m.mentions, '{}') as mentions,
      nullif(m.reactions, '[]') as reactions, case when m.attachments::text <> '[]' then m.attachments end as attachments
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
  return rows.flatMap((row) => (row.seq === null ? [] : [messageOf(chatId, row)]));
}

/** The members in the order of the wire. */
function messageOf(chatId: number, row: PageRow): Message {
  return {
    id: row.id,
    chat_id: chatId,
    seq: row.seq,
    updated_seq: row.updated_seq ?? row.seq,
    user_id: row.user_id,
    username: row.username,
    content: row.content,
    is_bot: row.is_bot ?? false,
    status: row.status ?? "complete",
    answer_to: row.answer_to,
    client_id: row.client_id,
    created_at: row.created_at,
    error: row.error,
    sources: row.sources,
    edited_at: row.edited_at,
    deleted_at: row.deleted_at,
    reply_to: row.reply_to,
    mentions: row.mentions ?? [],
    reactions: row.reactions ?? [],
    attachments: row.attachments ?? [],
  };
}
