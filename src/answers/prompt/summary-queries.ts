// Summaries of a room's history. A trigger drops those that cover a message which is edited or removed.
import { z } from "zod";
import { maybe, type Sql } from "../../database/connect.ts";

const FoldEnd = z.object({ up_to_seq: z.int() });

/**
 * The number up to which a chat's history is to be summed up, so that what follows is at most `limit` messages and
 * `bytesMax` of text: never beyond an answer that is still written.
 * @returns undefined when nothing is older than that
 */
export async function findFoldEnd(
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
    FoldEnd,
  );
  return row?.up_to_seq;
}

/**
 * Keeps a summary, unless a message was edited or removed meanwhile.
 * @param revision the chat's before anything of what it is made from was read
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
