import { z } from "zod";
import { many, maybe, type Sql } from "../database/connect.ts";
import type { EndedAnswer } from "../wire/message-frames.ts";
import { Message, Usage, type MessageStatus } from "../wire/messages.ts";
import { leaseSeconds, messageColumns } from "../messages/queries.ts";

const PastMessage = z.object({
  id: z.int(),
  seq: z.int(),
  username: z.string(),
  content: z.string(),
  is_bot: z.boolean(),
});
/** A message as a prompt needs it. */
export type PastMessage = z.infer<typeof PastMessage>;

/**
 * The newest messages of a chat up to a number, oldest first, without answers that have no text: at most `limit`, and
 * none whose text, with those of all that are newer, exceeds `bytesMax`. The newest is always there.
 */
export async function findPastMessages(
  sql: Sql,
  chatId: number,
  upToSeq: number,
  { limit, bytesMax }: { limit: number; bytesMax: number | undefined },
): Promise<PastMessage[]> {
  const newestFirst = many(
    await sql`
      select m.id, m.seq, coalesce(u.username, '') as username, m.content, m.is_bot
      from (
        select id, seq, user_id, content, is_bot, sum(octet_length(content)) over (order by seq desc) as bytes
        from (
          select id, seq, user_id, content, is_bot
          from messages
          where chat_id = ${chatId} and seq <= ${upToSeq} and status <> 'streaming' and content <> ''
          order by seq desc
          limit ${limit}
        ) newest
      ) m
      left join users u on u.id = m.user_id
      where ${bytesMax ?? null}::bigint is null or m.bytes <= ${bytesMax ?? null} or m.bytes = octet_length(m.content)
      order by m.seq desc
    `,
    PastMessage,
  );
  return newestFirst.reverse();
}

/** Keeps an answer's text so far and renews its lease. @returns false when it is no longer running */
export async function checkpointAnswer(
  sql: Sql,
  messageId: number,
  text: string,
): Promise<boolean> {
  const rows = await sql`
    update messages
    set content = ${text}, lease_expires_at = now() + ${leaseSeconds} * interval '1 second'
    where id = ${messageId} and status = 'streaming'
    returning id
  `;
  return rows.length > 0;
}

const EndedRow = z.object({
  ...Message.shape,
  usage: Usage.nullable(),
  error: z.string().nullable(),
});

/**
 * Brings a streaming answer to its end and takes the chat's next number; only the first who tries does.
 * @param ended.content undefined keeps the text that is stored
 * @returns undefined when it had ended before, or is gone
 */
export async function endAnswer(
  sql: Sql,
  messageId: number,
  ended: {
    content: string | undefined;
    status: Exclude<MessageStatus, "streaming">;
    usage: Usage | undefined;
    error: string | undefined;
    /** End it only if nobody has renewed its lease. */
    onlyIfAbandoned: boolean;
  },
): Promise<EndedAnswer | undefined> {
  const row = maybe(
    await sql`
      with locked as materialized (
        select c.id, c.last_seq
        from chats c
        where c.id = (select chat_id from messages where id = ${messageId})
        for no key update
      ),
      m as (
        update messages
        set content = coalesce(${ended.content ?? null}::text, content),
            status = ${ended.status},
            usage = ${ended.usage ? sql.json({ ...ended.usage }) : null}::jsonb,
            error = ${ended.error ?? null}::text,
            lease_expires_at = null,
            updated_seq = locked.last_seq + 1
        from locked
        where messages.id = ${messageId}
          and messages.status = 'streaming'
          and (not ${ended.onlyIfAbandoned}::boolean or messages.lease_expires_at < now())
        returning messages.id, messages.chat_id, messages.seq, messages.updated_seq, messages.user_id,
          messages.content, messages.is_bot, messages.status, messages.answer_to, messages.client_id,
          messages.created_at, messages.usage, messages.error
      ),
      moved as (
        update chats set last_seq = m.updated_seq from m where chats.id = m.chat_id
      ),
      change as (
        insert into chat_changes (chat_id, seq, kind, message_id)
        select chat_id, updated_seq, 'answer_ended', id from m
      )
      select ${messageColumns(sql)}, m.usage, m.error
      from m
      left join users u on u.id = m.user_id
    `,
    EndedRow,
  );
  if (!row) return undefined;
  const { usage, error, ...message } = row;
  return { message, usage, error };
}

/** Streaming answers whose server has not been heard of for `leaseSeconds`. */
export async function findAbandonedAnswers(sql: Sql, limit: number): Promise<number[]> {
  const rows = many(
    await sql`
      select id from messages
      where status = 'streaming' and lease_expires_at < now()
      order by lease_expires_at
      limit ${limit}
    `,
    z.object({ id: z.int() }),
  );
  return rows.map((row) => row.id);
}
