import { z } from "zod";
import { many, maybe, type Sql } from "../database/connect.ts";
import { botUsername, Message } from "../wire/messages.ts";

/** The columns of a Message, from `messages m left join users u`. */
export const messageColumns = (sql: Sql) => sql`
  m.id, m.chat_id, m.seq, m.updated_seq, m.user_id,
  case when m.is_bot then ${botUsername} else coalesce(u.username, 'deleted user') end as username,
  m.content, m.is_bot, m.status, m.answer_to, m.client_id, m.created_at, m.error, m.sources
`;

// A member's row is there even when the page is empty: `id` is null then.
const HistoryRow = z.union([Message, z.object({ id: z.null() })]);

/**
 * Messages between two numbers (both excluded), oldest first: the newest `limit` of them, or with `fromOldest` the
 * oldest. @returns undefined for a chat that the caller is not in
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
  const rows = many(
    await sql`
      select ${messageColumns(sql)}
      from chat_participants me
      left join lateral (
        select id, chat_id, seq, updated_seq, user_id, content, is_bot, status, answer_to, client_id, created_at,
          error, sources
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
    `,
    HistoryRow,
  );
  if (rows.length === 0) return undefined;
  return rows.filter((row) => row.id !== null);
}

export async function findMessage(
  sql: Sql,
  userId: number,
  chatId: number,
  messageId: number,
): Promise<Message | undefined> {
  return maybe(
    await sql`
      select ${messageColumns(sql)}
      from chat_participants me
      join messages m on m.chat_id = me.chat_id
      left join users u on u.id = m.user_id
      where me.chat_id = ${chatId} and me.user_id = ${userId} and m.id = ${messageId}
    `,
    Message,
  );
}

/** The message that a person has sent to a chat with a client id, as long as they are in it. */
export async function findMessageByClientId(
  sql: Sql,
  userId: number,
  chatId: number,
  clientId: string,
): Promise<Message | undefined> {
  return maybe(
    await sql`
      select ${messageColumns(sql)}
      from chat_participants me
      join messages m on m.chat_id = me.chat_id and m.user_id = me.user_id and m.client_id = ${clientId}
      join users u on u.id = m.user_id
      where me.chat_id = ${chatId} and me.user_id = ${userId}
    `,
    Message,
  );
}
