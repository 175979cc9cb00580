// The remaining work of deleted accounts: chats to leave, and messages to erase. Each statement does a bounded part and can be
// repeated; after a crash the next server goes on where the last statement has ended.
import { z } from "zod";
import { many, maybe, type Sql } from "../database/connect.ts";
import { chatColumns } from "../log/chat-columns.ts";
import { messageColumns, storedColumns } from "../log/messages.ts";
import { Chat } from "../wire/chats.ts";
import { Message } from "../wire/messages.ts";
import { deletedUsername } from "../wire/deleted-username.ts";

const Deletion = z.object({
  user_id: z.int(),
  erases: z.boolean(),
  next_id: z.int(),
  message_ids_end: z.int().nullable(),
});
export type Deletion = z.infer<typeof Deletion>;

/** Deletions that are not finished, the oldest first. */
export async function findDeletions(sql: Sql, limit: number): Promise<Deletion[]> {
  return many(
    await sql`
      select user_id, erases, next_id, message_ids_end from account_deletions order by requested_at, user_id limit ${limit}
    `,
    Deletion,
  );
}

/** Finds chats that the person of a deletion is still in. */
export async function findChatsToLeave(sql: Sql, userId: number, limit: number): Promise<number[]> {
  const rows = await sql`
    select p.chat_id as id
    from account_deletions d
    join chat_participants p on p.user_id = d.user_id
    where d.user_id = ${userId}
    order by p.chat_id
    limit ${limit}
  `;
  return many(rows, z.object({ id: z.int() })).map(({ id }) => id);
}

const LeftChat = z.object({
  /** Null for a chat that was deleted, since nobody else was in it. */
  chat: Chat.nullable(),
  /** Whether another person owns it now. */
  has_new_owner: z.boolean(),
});

/**
 * Takes the person of a deletion out of a chat. An owner hands the chat over first, which takes a number of its own. A chat without
 * others is deleted.
 * @returns undefined if the person was not in it any more
 */
export async function leaveForGood(
  sql: Sql,
  userId: number,
  chatId: number,
): Promise<z.infer<typeof LeftChat> | undefined> {
  const rows = await sql`
    with locked as materialized (
      select c.id, c.owner_id = ${userId} as is_owner
      from account_deletions d
      join chat_participants me on me.user_id = d.user_id and me.chat_id = ${chatId}
      join chats c on c.id = me.chat_id
      where d.user_id = ${userId}
      for update of c
      for key share of me
    ),
    state as materialized (
      select id, is_owner, case when is_owner then next_owner(id, ${userId}) end as heir_id from locked
    ),
    deleted as (
      delete from chats using state
      where chats.id = state.id and is_owner and heir_id is null
      returning chats.id
    ),
    removed as (
      delete from chat_participants p using state
      where p.chat_id = state.id and p.user_id = ${userId} and not (is_owner and heir_id is null)
      returning p.chat_id
    ),
    -- The stored name of a private chat that nobody has named has the usernames of both people.
    moved as (
      update chats c
      set owner_id = coalesce(heir_id, c.owner_id),
          name = case when c.is_named then c.name else ${deletedUsername} end,
          last_seq = c.last_seq + 1 + is_owner::int,
          updated_seq = c.last_seq + 1 + is_owner::int,
          participant_count = c.participant_count - 1
      from state join removed on removed.chat_id = state.id
      where c.id = state.id
      returning ${chatColumns(sql)}
    ),
    promoted as (
      update chat_participants p set role = 'member' from state
      where p.chat_id = state.id and p.user_id = state.heir_id and p.role <> 'member'
    ),
    changes as (
      insert into chat_changes (chat_id, seq, kind, user_id)
      select id, last_seq, 'participant_removed', ${userId}::bigint from moved
      union all
      select moved.id, moved.last_seq - 1, 'chat_updated', null from moved join state using (id) where is_owner
    )
    select state.heir_id is not null as has_new_owner, moved.*
    from state left join moved using (id)
    where exists (select from moved) or exists (select from deleted)
  `;
  return maybe(
    rows.map(({ has_new_owner, ...chat }) => ({
      has_new_owner,
      chat: chat.last_seq === null ? null : chat,
    })),
    LeftChat,
  );
}

/** Notes that all chats are left: from then on the person has no more messages. */
export async function beginErasure(sql: Sql, userId: number): Promise<void> {
  await sql`
    update account_deletions
    set message_ids_end = coalesce((select max(id) from messages), 0) + 1
    where user_id = ${userId} and message_ids_end is null
  `;
}

const FoundMessages = z.object({ id: z.int(), chat_id: z.int() });

/** Finds a person's messages with texts among the ids from `from` on and below `to`. */
export async function findMessagesToErase(
  sql: Sql,
  userId: number,
  { from, to }: { from: number; to: number },
): Promise<z.infer<typeof FoundMessages>[]> {
  return many(
    await sql`
      select id, chat_id from messages
      where id >= ${from} and id < ${to} and user_id = ${userId} and deleted_at is null
      order by id
    `,
    FoundMessages,
  );
}

const ErasedMessage = z
  .object({ ...Message.shape, is_newest: z.boolean() })
  .transform(({ is_newest: isNewest, ...message }) => ({ isNewest, message }));

/**
 * Deletes messages of a person in one chat, each with a number of its own, in the order in which they were written. It also
 * deletes what the deletion of a single message deletes, and their reports, whose reasons may quote them.
 */
export async function eraseMessages(
  sql: Sql,
  userId: number,
  chatId: number,
  messageIds: number[],
): Promise<z.infer<typeof ErasedMessage>[]> {
  return many(
    await sql`
      with locked as materialized (
        select id, last_seq, message_count from chats where id = ${chatId} for no key update
      ),
      -- The locks show messages as they are: somebody may have deleted one while the statement waited for the chat.
      target as materialized (
        select m.id, m.seq
        from locked
        -- "+ 0": the planner must not read all messages of the chat for these.
        join messages m on m.chat_id + 0 = locked.id and m.id = any (${messageIds}::bigint[])
        where m.user_id = ${userId} and m.deleted_at is null
        for no key update of m
      ),
      numbered as materialized (
        select target.id, locked.last_seq + row_number() over (order by target.seq) as number from target, locked
      ),
      changed as (
        update messages m
        set content = '',
            mentions = '{}',
            reactions = '[]',
            attachments = '[]',
            edited_at = null,
            deleted_at = now(),
            updated_seq = numbered.number,
            content_seq = numbered.number
        from numbered
        where m.chat_id = ${chatId} and m.id = numbered.id
        returning ${storedColumns(sql, "m")}, m.ordinal
      ),
      moved as (
        update chats set last_seq = (select max(number) from numbered)
        where id = ${chatId} and exists (select from numbered)
      ),
      noted as (
        insert into chat_changes (chat_id, seq, kind, message_id)
        select chat_id, updated_seq, 'message_updated', id from changed
      ),
      unreported as (
        delete from message_reports r using target where r.message_id = target.id
      )
      select ${messageColumns(sql)}, m.ordinal = locked.message_count as is_newest
      from changed m
      cross join locked
      left join users u on u.id = m.user_id
      order by m.updated_seq
    `,
    ErasedMessage,
  );
}

/** Notes that the messages below an id are done. */
export async function moveErasure(sql: Sql, userId: number, nextId: number): Promise<void> {
  await sql`
    update account_deletions set next_id = greatest(next_id, ${nextId}) where user_id = ${userId}
  `;
}

/** Ends a deletion. The sockets of the person have noted times meanwhile, and what they reported goes if messages were erased. */
export async function finishDeletion(sql: Sql, userId: number): Promise<void> {
  await sql`
    with done as (
      delete from account_deletions where user_id = ${userId} returning user_id, erases
    ),
    unseen as (
      delete from last_seen l using done where l.user_id = done.user_id
    ),
    absent as (
      delete from presence p using done where p.user_id = done.user_id
    ),
    unreported as (
      delete from message_reports r using done where r.user_id = done.user_id and done.erases
    )
    select user_id from done
  `;
}
