// The chats of a person's list.
import type { Sql } from "../database/connect.ts";
import { ChatSettings, chatsPerUserMax, mentionCountMax, type ChatSummary } from "../wire/chats.ts";
import { quietChatIds } from "../log/block-queries.ts";
import { shownName } from "./column-queries.ts";
import { preferenceColumns } from "./preference-queries.ts";

/** The settings of a chat that nobody has changed, which is most of them. */
const usualSettings: ChatSettings = {
  model: null,
  persona: null,
  temperature: null,
  thinking_budget: null,
  google_search: false,
};

/** Members that are usual in most chats. A null in their place costs PostgreSQL and the server less than a value. */
type Defaulted = "is_named" | "is_ai_chat" | "settings" | "mention_count";

type SummaryRow = Omit<ChatSummary, Defaulted> & {
  [Name in Defaulted]: ChatSummary[Name] | null;
};

/**
 * Finds a person's chats, newest activity first. The unread count is a subtraction: all messages of the chat, minus those up to
 * the read position, minus the person's own above it. Its cost does not depend on the count. In quiet
 * chats nothing is unread. The rows are not parsed, which
 * would cost as much as the rest: the contract tests hold their form. JSON that PostgreSQL writes costs it more than twice the
 * time of the rows.
 * @param chatId only this chat; undefined for all of them
 */
export async function findChatSummaries(
  sql: Sql,
  userId: number,
  chatId?: number,
): Promise<ChatSummary[]> {
  const rows = await sql<SummaryRow[]>`
    select c.id, ${shownName(sql, userId)} as name, nullif(c.is_named, true) as is_named, c.owner_id, c.is_group,
      nullif(c.is_ai_chat, false) as is_ai_chat, c.created_at, c.last_seq, c.updated_seq,
      nullif(c.settings, ${sql.unsafe(`'${JSON.stringify(usualSettings)}'`)}) as settings,
      case when quiet.here then 0 else c.message_count - case
        -- Most chats are read to their end, or not at all: only between the two a message has to be looked up.
        when me.last_read_seq >= c.last_seq then c.message_count
        when me.last_read_seq = 0 then 0
        else coalesce(
          (
            select ordinal from messages
            where chat_id = c.id and seq <= me.last_read_seq
            order by seq desc limit 1
          ),
          0
        )
      end - (me.own_count - me.own_read_count) end as unread_count,
      newest.preview as last_message,
      newest.created_at as last_message_time,
      ${preferenceColumns(sql, "me")},
      -- Most people are mentioned nowhere: one look is then enough for all chats.
      case when exists (select from message_mentions where user_id = ${userId}) and not quiet.here then (
        select count(*) from (
          select from message_mentions
          where user_id = me.user_id and chat_id = me.chat_id and seq > me.last_read_seq
          limit ${mentionCountMax}
        ) mentioned
      ) end as mention_count
    from chat_participants me
    join chats c on c.id = me.chat_id
    left join lateral (
      select case when content = '' then coalesce(attachments -> 0 ->> 'name', '') else content end as preview, created_at
      from messages where chat_id = c.id order by seq desc limit 1
    ) newest on true
    cross join lateral (
      select c.id = any (array(${quietChatIds(sql, sql`${userId}::bigint`)})) as here
    ) quiet
    where me.user_id = ${userId} ${chatId === undefined ? sql`` : sql`and me.chat_id = ${chatId}`}
    order by coalesce(newest.created_at, c.created_at) desc, c.id desc
    limit ${chatsPerUserMax}
  `;
  return rows.map(summaryOf);
}

/** The members in the order of the wire. */
function summaryOf(row: SummaryRow): ChatSummary {
  return {
    id: row.id,
    name: row.name,
    is_named: row.is_named ?? true,
    owner_id: row.owner_id,
    is_group: row.is_group,
    is_ai_chat: row.is_ai_chat ?? false,
    created_at: row.created_at,
    last_seq: row.last_seq,
    updated_seq: row.updated_seq,
    // PostgreSQL stores the settings in another order.
    settings: row.settings === null ? usualSettings : ChatSettings.parse(row.settings),
    unread_count: row.unread_count,
    last_message: row.last_message,
    last_message_time: row.last_message_time,
    muted_until: row.muted_until,
    pinned: row.pinned,
    mention_count: row.mention_count ?? 0,
  };
}
