// Inserting a chat. Two people have one private chat, even if several requests open it at the same time.
import { insertEvent, type Actor } from "../audit/queries.ts";
import { maybe, type Sql } from "../database/connect.ts";
import { Chat, chatsPerUserMax } from "../wire/chats.ts";
import { isBlockBetween } from "../log/block-queries.ts";
import { chatColumns } from "../log/chat-columns.ts";
import { chatColumnsFor } from "./column-queries.ts";

export interface NewChat {
  name: string;
  /** False if the name was made from the usernames. */
  isNamed: boolean;
  owner: Actor;
  isGroup: boolean;
  isAiChat: boolean;
  /** The participants except the owner. */
  participantIds: number[];
  /** The bot's first message, which counts as read; undefined for none. */
  greeting: string | undefined;
  /** The other person of a private chat; undefined for other chats. */
  partnerId: number | undefined;
}

/**
 * Inserts a chat with its participants and its greeting.
 * @returns undefined when a participant is in `chatsPerUserMax` chats already, when one of them and the owner have blocked each
 * other, or when the two people have a private chat
 */
export async function insertChat(sql: Sql, chat: NewChat): Promise<Chat | undefined> {
  const { owner } = chat;
  const memberIds = [owner.id, ...chat.participantIds];
  const greeting = chat.greeting ?? null;
  const messageCount = greeting === null ? 0 : 1;
  const partnerId = chat.partnerId ?? null;
  // The pair is inserted first: of two requests at the same time one waits for the other there, and then finds it taken.
  return maybe(
    await sql`
      with allowed as materialized (
        select nextval(pg_get_serial_sequence('chats', 'id')) as id
        where not exists (
          select from chat_participants
          where user_id = any (${memberIds}::bigint[])
          group by user_id
          having count(*) >= ${chatsPerUserMax}
        )
        and not exists (
          select from unnest(${chat.participantIds}::bigint[]) as other (id)
          where ${isBlockBetween(sql, sql`other.id`, sql`${owner.id}`)}
        )
      ),
      pair as (
        insert into private_chats (low_user_id, high_user_id, chat_id)
        select least(${owner.id}, ${partnerId}::bigint), greatest(${owner.id}, ${partnerId}::bigint), allowed.id
        from allowed
        where ${partnerId}::bigint is not null
        on conflict (low_user_id, high_user_id) do nothing
        returning chat_id
      ),
      c as (
        insert into chats as c
          (id, name, is_named, owner_id, is_group, is_ai_chat, participant_count, last_seq, message_count)
        select allowed.id, ${chat.name}, ${chat.isNamed}, ${owner.id}, ${chat.isGroup}, ${chat.isAiChat},
          ${memberIds.length}::int, ${messageCount}::int, ${messageCount}::int
        from allowed
        where ${partnerId}::bigint is null or exists (select from pair)
        returning ${chatColumns(sql)}
      ),
      people as (
        insert into chat_participants (chat_id, user_id, last_read_seq, joined_seq)
        select c.id, member_id, c.last_seq, c.last_seq
        from c, unnest(${memberIds}::bigint[]) with ordinality as m (member_id, place)
        order by place
      ),
      greeting as (
        insert into messages (chat_id, content, is_bot, seq, updated_seq, ordinal)
        select c.id, ${greeting}::text, true, 1, 1, 1 from c where ${greeting}::text is not null
      ),
      audited as (${insertEvent(
        sql,
        {
          action: "create_chat",
          outcome: "ok",
          actor: owner,
          target: sql`'chat:' || c.id`,
          details: { participants: memberIds.length },
          source: owner.source,
        },
        sql`from c`,
      )})
      select ${chatColumns(sql)} from c
    `,
    Chat,
  );
}

/**
 * Finds the private chat of two people who are both in it. They may have several, from earlier versions or by an invitation
 * into an empty one: then it is the one in `private_chats`, or else the oldest.
 */
export async function findPrivateChat(
  sql: Sql,
  userId: number,
  partnerId: number,
): Promise<Chat | undefined> {
  return maybe(
    await sql`
      select ${chatColumnsFor(sql, userId)}
      from chat_participants me
      join chat_participants partner on partner.chat_id = me.chat_id and partner.user_id = ${partnerId}
      join chats c on c.id = me.chat_id
      left join private_chats pair on pair.chat_id = c.id
      where me.user_id = ${userId} and not c.is_group and not c.is_ai_chat
      order by pair.chat_id is null, c.id
      limit 1
    `,
    Chat,
  );
}
