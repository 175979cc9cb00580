// Conditions on people of whom one has blocked the other, for the statements that look at them.
import type { Fragment, Sql } from "../database/connect.ts";

/** Whether one of two people has blocked the other. */
export const isBlockBetween = (sql: Sql, one: Fragment, other: Fragment) => sql`
  exists (
    select from user_blocks
    where (blocker_id = ${one} and blocked_id = ${other}) or (blocker_id = ${other} and blocked_id = ${one})
  )
`;

/** Whether a person has blocked an author, or the person who created the incoming webhook whose account the author is. */
export const blocksAuthor = (sql: Sql, person: Fragment, author: Fragment) => sql`
  (
    exists (select from user_blocks where blocker_id = ${person} and blocked_id = ${author})
    or exists (
      select from incoming_webhooks h
      join user_blocks b on b.blocked_id = h.created_by and b.blocker_id = ${person}
      where h.user_id = ${author}
    )
  )
`;

/**
 * The ids of the private chats of a person with people whom the person has blocked. Nothing tells the person of new messages there.
 * Most people have blocked nobody, which one look finds out.
 */
export const quietChatIds = (sql: Sql, userId: Fragment) => sql`
  select c.id
  from user_blocks b
  join chat_participants partner on partner.user_id = b.blocked_id
  join chats c on c.id = partner.chat_id and not c.is_group and not c.is_ai_chat
  join chat_participants me on me.chat_id = c.id and me.user_id = b.blocker_id
  where b.blocker_id = ${userId}
`;
