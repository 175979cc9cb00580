// The columns of a Chat as one person sees it, and the lock that every change of a chat takes first.
import type { Sql } from "../database/connect.ts";
import { chatColumns } from "../log/chat-columns.ts";

/** The name of `chats c` for one of its people. A private chat that nobody has named has the name of the other person. */
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

/** The columns of a Chat for one of its people, from `chats c`. */
export const chatColumnsFor = (sql: Sql, viewerId: number) =>
  chatColumns(sql, shownName(sql, viewerId));

/**
 * Locks the chat that is to be changed, if the caller is in it. The membership is locked after the chat, because a snapshot
 * would still have one that ended while the statement waited for the chat.
 * @param byRole whether the caller's role decides: a lock of the key alone would read a role that was taken away meanwhile
 */
export const lockedChat = (
  sql: Sql,
  callerId: number,
  chatId: number,
  { byRole = false }: { byRole?: boolean } = {},
) => sql`
  select ${chatColumns(sql)}, c.participant_count, me.role as caller_role
  from chats c
  join chat_participants me on me.chat_id = c.id and me.user_id = ${callerId}
  where c.id = ${chatId}
  for no key update of c
  ${byRole ? sql`for share of me` : sql`for key share of me`}
`;
