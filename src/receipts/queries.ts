// The readers of messages. A person who does not want to be seen reading is no reader, and is shown no reader.
import { z } from "zod";
import { many, type Sql } from "../database/connect.ts";
import { groupSizeMax } from "../wire/chats.ts";
import { Reader, readersMax, receiptMessagesMax, type ReadReceipts } from "../wire/receipts.ts";

const ReceiptRow = z.union([
  z.object({ last_seq: z.int(), message_id: z.int(), ...Reader.shape }),
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
          and u.read_receipts
          and (${caller}::bigint is null or (select read_receipts from users where id = ${caller}::bigint))
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

// The message yields a row even when nobody has read it; its `user_id` is null then.
const ReaderRow = z.union([Reader, z.object({ user_id: z.null() })]);

/**
 * The readers of a message, those who read it first before the others.
 * @returns undefined for a chat that the caller is not in, and for a message that is not in the chat
 */
export async function findReaders(
  sql: Sql,
  callerId: number,
  chatId: number,
  messageId: number,
): Promise<Reader[] | undefined> {
  const rows = many(
    await sql`
      select reader.user_id, reader.username, reader.read_at
      from chat_participants me
      join users viewer on viewer.id = me.user_id
      join messages m on m.chat_id = me.chat_id and m.id = ${messageId}
      left join lateral (
        select p.user_id, u.username, coalesce(p.last_read_at, m.created_at) as read_at
        from chat_participants p
        join users u on u.id = p.user_id
        where p.chat_id = m.chat_id
          and p.last_read_seq >= m.seq
          and p.joined_seq < m.seq
          and p.user_id is distinct from m.user_id
          and u.read_receipts
      ) reader on viewer.read_receipts
      where me.chat_id = ${chatId} and me.user_id = ${callerId}
      order by reader.read_at, reader.user_id
      limit ${groupSizeMax}
    `,
    ReaderRow,
  );
  if (rows.length === 0) return undefined;
  return rows.filter((row) => row.user_id !== null);
}
