// The columns of a Chat.
import type { Fragment, Sql } from "../database/connect.ts";

/**
 * The columns of a Chat, from `chats c`.
 * @param name the name to show; a private chat that nobody has named is stored with the usernames of both people
 */
export function chatColumns(sql: Sql, name: Fragment = sql`c.name`) {
  return sql`
    c.id, ${name} as name, c.is_named, c.owner_id, c.is_group, c.is_ai_chat, c.created_at, c.last_seq,
    c.updated_seq, c.settings, c.picture_id,
    '/api/chats/' || c.id || '/picture/' || c.picture_id as picture_url
  `;
}
