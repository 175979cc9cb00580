// The columns of a Chat, and the lock that every change of one takes first.
import type { Sql } from "../database/connect.ts";

const plainName = (sql: Sql) => sql`c.name`;

const chatColumnsNamed = (sql: Sql, name: ReturnType<typeof plainName>) => sql`
  c.id, ${name} as name, c.is_named, c.owner_id, c.is_group, c.is_ai_chat, c.created_at, c.last_seq, c.updated_seq,
  c.settings
`;

/** The columns of a Chat, from `chats c`, for all its people: one that nobody has named has the names of both. */
export const chatColumns = (sql: Sql) => chatColumnsNamed(sql, plainName(sql));

/** The name of `chats c` as one of its people sees it: a private chat that nobody has named goes by the other's name. */
export const shownName = (sql: Sql, viewerId: number) => sql`
  case when c.is_named then c.name else coalesce(
    (
      select u.username from chat_participants p
      join users u on u.id = p.user_id
      where p.chat_id = c.id and p.user_id <> ${viewerId}
      limit 1
    ),
    c.name
  ) end
`;

/** The columns of a Chat as one of its people sees it. */
export const chatColumnsFor = (sql: Sql, viewerId: number) =>
  chatColumnsNamed(sql, shownName(sql, viewerId));

/**
 * The chat that a change is about, locked, if the caller is in it. Their membership is locked after it: a snapshot would
 * still show one that ended while this waited for the chat.
 */
export const lockedChat = (sql: Sql, callerId: number, chatId: number) => sql`
  select ${chatColumns(sql)}, c.participant_count
  from chats c
  join chat_participants me on me.chat_id = c.id and me.user_id = ${callerId}
  where c.id = ${chatId}
  for no key update of c
  for key share of me
`;
