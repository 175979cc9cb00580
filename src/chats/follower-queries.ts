// The people of chats, for sockets that follow chats without having joined them.
import { z } from "zod";
import { many, type Sql } from "../database/connect.ts";

/** A chat whose people are asked for. */
export interface KnownChat {
  chatId: number;
  /** The number of the last change of the chat up to which its people are known; undefined if they are not. */
  known: number | undefined;
}

const ChatMembersRow = z.object({
  last_seq: z.int().nullable(),
  updated_seq: z.int().nullable(),
  user_ids: z.array(z.int()).nullable(),
});

/** Reads how far some chats have come, and the people of those that have changed. @returns in the order of `chats` */
export async function findChatMembers(sql: Sql, chats: readonly KnownChat[]) {
  const rows = many(
    await sql`
      select c.last_seq, c.updated_seq,
        case when c.updated_seq is distinct from i.known then array(
          select user_id from chat_participants where chat_id = c.id
        ) end as user_ids
      from unnest(
        ${chats.map(({ chatId }) => chatId)}::bigint[],
        ${chats.map(({ known }) => known ?? null)}::bigint[]
      ) with ordinality as i (chat_id, known, n)
      left join chats c on c.id = i.chat_id
      order by i.n
    `,
    ChatMembersRow,
  );
  return rows.map(({ last_seq: lastSeq, updated_seq: members, user_ids: userIds }) => {
    if (lastSeq === null || members === null) return undefined;
    return { lastSeq, members, userIds: userIds === null ? undefined : new Set(userIds) };
  });
}
