// How far each participant has read, and which messages have been read by whom.
import { z } from "zod";
import { many, maybe, type Sql } from "../database/connect.ts";
import { readersMax, receiptMessagesMax, type ReadReceipts } from "../wire/receipts.ts";
import { Time } from "../wire/text.ts";

const ReadPosition = z.object({ last_read_seq: z.int(), has_moved: z.boolean() });

/**
 * Moves the read position forward, never back and never beyond the chat's newest number. The mentions up to it are cleared.
 * @returns undefined for a chat that the user is not in
 */
export async function updateReadPosition(
  sql: Sql,
  userId: number,
  chatId: number,
  seq: number | undefined,
): Promise<z.infer<typeof ReadPosition> | undefined> {
  return maybe(
    await sql`
      with moved as (
        update chat_participants me
        set last_read_seq = greatest(me.last_read_seq, least(coalesce(${seq ?? null}::bigint, c.last_seq), c.last_seq)),
            last_read_at = case
              when least(coalesce(${seq ?? null}::bigint, c.last_seq), c.last_seq) > me.last_read_seq then now()
              else me.last_read_at
            end,
            own_read_count = me.own_read_count + (
              select count(*) from messages
              where chat_id = c.id
                and seq > me.last_read_seq
                and seq <= least(coalesce(${seq ?? null}::bigint, c.last_seq), c.last_seq)
                and user_id = me.user_id
            )
        from chats c, (
          select last_read_seq from chat_participants where chat_id = ${chatId} and user_id = ${userId}
        ) before
        where me.chat_id = ${chatId} and me.user_id = ${userId} and c.id = me.chat_id
        returning me.last_read_seq, me.last_read_seq > before.last_read_seq as has_moved
      ),
      cleared as (
        delete from message_mentions
        where user_id = ${userId} and chat_id = ${chatId} and seq <= (select last_read_seq from moved)
      )
      select last_read_seq, has_moved from moved
    `,
    ReadPosition,
  );
}

const ReceiptRow = z.union([
  z.object({
    last_seq: z.int(),
    message_id: z.int(),
    user_id: z.int(),
    username: z.string(),
    read_at: Time,
  }),
  z.object({ last_seq: z.int(), message_id: z.null() }),
]);

export interface FoundReceipts {
  /** The chat's number at which they were read. */
  lastSeq: number;
  receipts: ReadReceipts;
}

/**
 * The readers of some messages of a chat, or of its newest `receiptMessagesMax`.
 * @param callerId undefined reads them for all participants
 * @returns undefined for a chat that the caller is not in
 */
export async function findReceipts(
  sql: Sql,
  callerId: number | undefined,
  chatId: number,
  messageIds: number[] | undefined,
): Promise<FoundReceipts | undefined> {
  const caller = callerId ?? null;
  // A position that has no time was reached before times were kept: then the message's own time stands for it.
  const rows = many(
    await sql`
      with chat as materialized (
        select id, last_seq from chats
        where id = ${chatId} and (
          ${caller}::bigint is null
          or exists (select from chat_participants where chat_id = ${chatId} and user_id = ${caller}::bigint)
        )
      ),
      people as materialized (
        select p.user_id, u.username, p.last_read_seq, p.joined_seq, p.last_read_at
        from chat
        join chat_participants p on p.chat_id = chat.id
        join users u on u.id = p.user_id
        where p.last_read_seq > p.joined_seq
      )
      select chat.last_seq, receipt.message_id, receipt.user_id, receipt.username, receipt.read_at
      from chat
      left join lateral (
        select m.id as message_id, reader.user_id, reader.username, reader.read_at
        from (
          select id, seq, user_id, created_at from messages
          where chat_id = chat.id ${messageIds ? sql`and id = any (${messageIds}::bigint[])` : sql``}
          order by seq desc
          limit ${receiptMessagesMax}
        ) m
        cross join lateral (
          select p.user_id, p.username, coalesce(p.last_read_at, m.created_at) as read_at
          from people p
          where p.last_read_seq >= m.seq and p.joined_seq < m.seq and p.user_id is distinct from m.user_id
          order by 3, 1
          limit ${readersMax}
        ) reader
      ) receipt on true
      order by receipt.message_id, receipt.read_at, receipt.user_id
    `,
    ReceiptRow,
  );
  const [first] = rows;
  if (!first) return undefined;
  const receipts: ReadReceipts = {};
  for (const row of rows) {
    if (row.message_id === null) continue;
    const { user_id, username, read_at } = row;
    (receipts[row.message_id] ??= []).push({ user_id, username, read_at });
  }
  return { lastSeq: first.last_seq, receipts };
}
