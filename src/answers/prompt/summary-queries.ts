// Summaries of a room's history. A trigger drops those that cover a message which is edited or removed.
import { z } from "zod";
import { many, maybe, type Sql } from "../../database/connect.ts";
import { filesOfMessage } from "./prompt-file.ts";
import { PastMessage } from "./queries.ts";

const SummaryEnd = z.object({ up_to_seq: z.int() });

/**
 * Finds the number up to which a chat's history is to be summarised, so that at most `limit` messages and `bytesMax` of
 * text follow. It lies before any answer that still streams.
 * @returns undefined when no message is older than those
 */
export async function findSummaryEnd(
  sql: Sql,
  chatId: number,
  { limit, bytesMax }: { limit: number; bytesMax: number | undefined },
): Promise<number | undefined> {
  const row = maybe(
    await sql`
      select max(m.seq) as up_to_seq
      from messages m
      where m.chat_id = ${chatId}
        and m.seq < (
          select coalesce(min(seq), ${Number.MAX_SAFE_INTEGER}) from (
            select seq, sum(octet_length(content)) over (order by seq desc) as bytes
            from (
              select seq, content from messages
              where chat_id = ${chatId} and content <> ''
              order by seq desc
              limit ${limit}
            ) newest
          ) kept
          where ${bytesMax ?? null}::bigint is null or bytes <= ${bytesMax ?? null}
        )
        and m.seq < all (
          select running.seq
          from answer_runs r
          join messages running on running.id = r.message_id
          where r.chat_id = ${chatId}
        )
      having max(m.seq) is not null
    `,
    SummaryEnd,
  );
  return row?.up_to_seq;
}

/**
 * Stores a summary, unless a message was edited or removed meanwhile.
 * @param revision that of the chat before the messages were read
 * @returns whether it was stored
 */
export async function insertSummary(
  sql: Sql,
  chatId: number,
  { upToSeq, content, revision }: { upToSeq: number; content: string; revision: number },
): Promise<boolean> {
  const rows = await sql`
    with unchanged as materialized (
      select id from chats where id = ${chatId} and revision = ${revision} for no key update
    )
    insert into chat_summaries (chat_id, up_to_seq, content)
    select id, ${upToSeq}, ${content} from unchanged
    on conflict (chat_id, up_to_seq) do nothing
    returning id
  `;
  return rows.length > 0;
}

/** Messages between two numbers, oldest first, for a summary: at most `limit`, and `bytesMax` of text; one at least. */
export async function findMessagesToSummarise(
  sql: Sql,
  chatId: number,
  range: { afterSeq: number; upToSeq: number; limit: number; bytesMax: number | undefined },
): Promise<PastMessage[]> {
  const { afterSeq, upToSeq, limit, bytesMax = null } = range;
  return many(
    await sql`
      select m.id, m.seq, m.updated_seq, m.ordinal, coalesce(u.username, '') as username, m.content, m.is_bot,
        ${filesOfMessage(sql)} as files
      from (
        select id, chat_id, seq, updated_seq, ordinal, user_id, content, is_bot, attachments,
          sum(octet_length(content)) over (order by seq) as bytes
        from messages
        where chat_id = ${chatId} and seq > ${afterSeq} and seq <= ${upToSeq}
          and (content <> '' or attachments::text like '%"transcript"%')
        order by seq
        limit ${limit}
      ) m
      left join users u on u.id = m.user_id
      where ${bytesMax}::bigint is null or m.bytes <= ${bytesMax} or m.bytes = octet_length(m.content)
      order by m.seq
    `,
    PastMessage,
  );
}
