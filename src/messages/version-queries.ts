// The texts that a message has had.
import { z } from "zod";
import { many, type Sql } from "../database/connect.ts";
import { MessageVersion } from "../wire/messages.ts";

const VersionRow = z.union([MessageVersion, z.object({ updated_seq: z.null() })]);

/**
 * Finds the texts of a message, oldest first, the current one included. A deleted message has none.
 * @returns undefined for a chat that the caller is not in, and for an unknown message
 */
export async function findVersions(
  sql: Sql,
  callerId: number,
  chatId: number,
  messageId: number,
): Promise<MessageVersion[] | undefined> {
  const rows = many(
    await sql`
      select version.content, version.updated_seq, version.created_at
      from chat_participants me
      join messages m on m.chat_id = me.chat_id
      left join lateral (
        select content, updated_seq, created_at from message_versions where message_id = m.id
        union all
        select m.content, coalesce(m.content_seq, m.seq), coalesce(m.edited_at, m.created_at)
      ) version on m.deleted_at is null
      where me.chat_id = ${chatId} and me.user_id = ${callerId} and m.id = ${messageId}
      order by version.updated_seq
    `,
    VersionRow,
  );
  if (rows.length === 0) return undefined;
  return rows.filter((row) => row.updated_seq !== null);
}
