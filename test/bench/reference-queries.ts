// The SQL of a page of history and of a list of chats, with rows as objects in the program. It stays as it is when the
// server's statements change, apart from the columns, so that a ratio tells how the server has changed, and not its reference.
import type postgres from "postgres";

/** The columns of a message, without the name of its author. */
const stored = `
  id, chat_id, seq, updated_seq, user_id, content, is_bot, status, answer_to, client_id, created_at, error, sources,
  edited_at, deleted_at, reply_to, mentions, reactions
`;

/** A page of 50 before a number, with the membership and the names of the authors. */
export async function historyPage(
  sql: postgres.Sql,
  userId: number,
  chatId: number,
  before: number,
): Promise<object[]> {
  const rows = await sql`
    select m.*, case when m.is_bot then 'Gemini' else coalesce(u.username, 'Deleted user') end as username
    from chat_participants me
    left join lateral (
      select ${sql.unsafe(stored)}
      from messages where chat_id = me.chat_id and seq < ${before} order by seq desc limit 51
    ) m on true
    left join users u on u.id = m.user_id
    where me.chat_id = ${chatId} and me.user_id = ${userId}
    order by m.seq
  `;
  return rows.slice(1);
}

/** A page of 50 before a number for anybody. */
export async function messagesOnly(
  sql: postgres.Sql,
  chatId: number,
  before: number,
): Promise<object[]> {
  const rows = await sql`
    select id, chat_id, seq, updated_seq, user_id, content, is_bot, status, answer_to, client_id, created_at
    from messages where chat_id = ${chatId} and seq < ${before} order by seq desc limit 50
  `;
  return rows.reverse();
}

/** The chats of a person, newest activity first, with unread counts and the newest messages. */
export async function chatList(sql: postgres.Sql, userId: number): Promise<object[]> {
  return await sql`
    select c.id,
      case when c.is_named then c.name else coalesce(
        (
          select u.username from chat_participants p
          join users u on u.id = p.user_id
          where p.chat_id = c.id and p.user_id <> ${userId}
          limit 1
        ),
        c.name
      ) end as name,
      c.is_named, c.owner_id, c.is_group, c.is_ai_chat, c.created_at, c.last_seq, c.updated_seq, c.settings,
      c.last_seq - coalesce(seen.seq, 0) as unread_count,
      newest.content as last_message,
      newest.created_at as last_message_time
    from chat_participants me
    join chats c on c.id = me.chat_id
    left join lateral (
      select content, created_at from messages where chat_id = c.id order by seq desc limit 1
    ) newest on true
    left join lateral (
      select seq from messages where chat_id = c.id and seq <= me.last_read_seq order by seq desc limit 1
    ) seen on true
    where me.user_id = ${userId}
    order by coalesce(newest.created_at, c.created_at) desc, c.id desc
    limit 1000
  `;
}
