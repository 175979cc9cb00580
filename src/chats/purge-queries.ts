// Deleting what a deleted chat has left behind, page by page.
import { z } from "zod";
import { maybe, type Fragment, type Sql } from "../database/connect.ts";

const Purged = z.object({ chat_id: z.int(), rows: z.int() });

/** The CTEs that find a page of what is left of `chat`, and delete its files: `old_changes`, `old_reactions`, `gone_files`, `old_messages`. */
const oldRows = (sql: Sql, limit: number): Fragment => sql`
  old_changes as materialized (
    select c.seq
    from chat
    cross join lateral (
      select seq from chat_changes where chat_id = chat.chat_id order by seq limit ${limit}
    ) c
  ),
  old_reactions as materialized (
    select r.message_id, r.emoji, r.user_id
    from chat
    cross join lateral (
      select message_id, emoji, user_id from message_reactions where chat_id = chat.chat_id limit ${limit}
    ) r
  ),
  -- Triggers note the names of their files.
  gone_files as (
    delete from attachments
    where id in (
      select a.id from chat cross join lateral (
        select id from attachments where chat_id = chat.chat_id limit ${limit}
      ) a
    )
    returning id
  ),
  -- Changes go first, since each message would take its own along; answers go before their questions likewise.
  old_messages as materialized (
    select m.id, m.created_at
    from chat
    cross join lateral (
      select id, created_at from messages where chat_id = chat.chat_id order by seq desc limit ${limit}
    ) m
    where not exists (select from old_changes) and not exists (select from old_reactions)
      and not exists (select from gone_files)
  )
`;

/** The CTEs that delete that page, with the entries of its messages in the search. */
const goneRows = (sql: Sql): Fragment => sql`
  gone_changes as (
    delete from chat_changes
    where chat_id = (select chat_id from chat) and seq = any (array(select seq from old_changes))
    returning seq
  ),
  gone_reactions as (
    delete from message_reactions r
    using chat, old_reactions old
    where r.chat_id = chat.chat_id and r.message_id = old.message_id and r.emoji = old.emoji and r.user_id = old.user_id
    returning r.id
  ),
  gone_messages as (
    delete from messages where id = any (array(select id from old_messages)) returning user_id
  ),
  -- Nothing is added to them: the row of search_progress, which that needs, went with the chat.
  gone_entries as (
    delete from search_entries e using chat, old_messages m
    where e.chat_id = chat.chat_id and e.created_at = m.created_at and e.message_id = m.id
  )
`;

/**
 * Deletes up to `limit` changes and as many reactions and files of one deleted chat, or when it has none left as many of its messages, and
 * at last the note.
 * Several servers may call it at once: each takes another chat.
 * @returns the chat and the number of rows; undefined when no deleted chat is left, or other servers are at all of them
 */
export async function purgeDeletedChat(
  sql: Sql,
  limit: number,
): Promise<z.infer<typeof Purged> | undefined> {
  return maybe(
    await sql`
      with chat as materialized (
        select chat_id from deleted_chats order by deleted_at, chat_id limit 1 for update skip locked
      ),
      ${oldRows(sql, limit)},
      ${goneRows(sql)},
      finished as (
        delete from deleted_chats d using chat
        where d.chat_id = chat.chat_id
          and not exists (select from old_messages) and not exists (select from old_changes)
          and not exists (select from old_reactions) and not exists (select from gone_files)
      )
      select chat.chat_id,
        (select count(*) from gone_messages) + (select count(*) from gone_changes)
          + (select count(*) from gone_reactions) + (select count(*) from gone_files) as rows
      from chat
      -- The accounts of incoming webhooks go with the messages of the chat: they post in no other one.
      cross join lateral (
        select end_hook_accounts(array(select distinct user_id from gone_messages where user_id is not null)) offset 0
      ) ended
    `,
    Purged,
  );
}
