// The people whom a message may mention. A trigger keeps message_mentions in step with the mentions of a changed message.
import { z } from "zod";
import { many, type Sql } from "../database/connect.ts";
import { blocksAuthor } from "./block-queries.ts";
import { everyoneMax } from "../wire/mentions.ts";

const Mentionable = z.object({
  user_id: z.int(),
  /** The username in lower case. */
  name: z.string(),
  /** Whether the text mentions everybody, and its author may. */
  everyone: z.boolean(),
  is_large: z.boolean(),
  /** Whether the person has blocked the author, and is not notified of the mention. */
  blocks_author: z.boolean(),
  is_bot_account: z.boolean(),
});

/**
 * Finds the participants of a chat with one of some names, or all of them if the author mentions everybody and may: in a group
 * of at most `everyoneMax` people, and above that as its owner. The author is left out.
 * @param names in lower case
 * @returns nobody for a chat that the author is not in, and that has no incoming webhook whose account the author is
 */
export async function findMentionable(
  sql: Sql,
  authorId: number,
  chatId: number,
  { names, everyone }: { names: readonly string[]; everyone: boolean },
): Promise<z.infer<typeof Mentionable>[]> {
  const isBlocked = blocksAuthor(sql, sql`p.user_id`, sql`${authorId}::bigint`);
  return many(
    await sql`
      with chat as materialized (
        select c.id, c.participant_count > ${everyoneMax} as is_large,
          ${everyone} and c.is_group and (c.participant_count <= ${everyoneMax} or c.owner_id = ${authorId}) as everyone
        from (
          select chat_id from chat_participants where chat_id = ${chatId} and user_id = ${authorId}
          union all
          select chat_id from incoming_webhooks where chat_id = ${chatId} and user_id = ${authorId}
        ) me
        join chats c on c.id = me.chat_id
      ),
      named as materialized (
        select id, lower(username) as name, bot_owner_id is not null as is_bot_account from users
        where lower(username) = any (${[...names]}::text[]) and id <> ${authorId} and deleted_at is null
      )
      select p.user_id, named.name, chat.everyone, chat.is_large,
        ${isBlocked} as blocks_author, named.is_bot_account
      from chat
      cross join named
      -- The limit makes it an index look-up for each name, where a join might read everybody in the chat.
      cross join lateral (
        select user_id from chat_participants where chat_id = chat.id and user_id = named.id limit 1
      ) p
      where not chat.everyone
      union all
      select p.user_id, lower(u.username), chat.everyone, chat.is_large, ${isBlocked}, u.bot_owner_id is not null
      from chat
      join chat_participants p on p.chat_id = chat.id
      join users u on u.id = p.user_id
      where chat.everyone and p.user_id <> ${authorId}
    `,
    Mentionable,
  );
}
