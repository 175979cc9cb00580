import type postgres from "postgres";

/** The bare batched insert: no membership, no client ids, numbers by one update. What the product's statement is held against. */
export async function insertBatch(
  sql: postgres.Sql,
  rows: { chatId: number; userId: number; content: string }[],
): Promise<void> {
  await sql`
    with input as (
      select n, chat_id, user_id, content
      from unnest(
        ${rows.map((row) => row.chatId)}::bigint[],
        ${rows.map((row) => row.userId)}::bigint[],
        ${rows.map((row) => row.content)}::text[]
      ) with ordinality as t (chat_id, user_id, content, n)
    ),
    moved as (
      update chats
      set last_seq = chats.last_seq + taken.count, message_count = chats.message_count + taken.count
      from (select chat_id, count(*) as count from input group by chat_id) taken
      where chats.id = taken.chat_id
      returning chats.id, chats.last_seq - taken.count as before
    )
    insert into messages (chat_id, user_id, content, seq, updated_seq, ordinal)
    select chat_id, user_id, content, before + place, before + place, before + place
    from (
      select input.*, moved.before, row_number() over (partition by chat_id order by n) as place
      from input join moved on moved.id = input.chat_id
    ) numbered
  `;
}
