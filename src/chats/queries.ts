// A chat is always found through the caller's membership. Every change locks the chat's row first and takes the
// room's next number in the same statement; conditions that a race could break are read from that locked row, or are
// row locks of their own, because everything else is as old as the statement's snapshot.
import { z } from "zod";
import { many, maybe, one, type Sql } from "../database/connect.ts";
import { Chat, ChatSummary, chatsPerUserMax, groupSizeMax, Participant } from "../wire/chats.ts";

const privateSize = 2;

const chatColumns = (sql: Sql) => sql`
  c.id, c.name, c.owner_id, c.is_group, c.is_ai_chat, c.created_at, c.last_seq, c.updated_seq
`;

const participantColumns = (sql: Sql) => sql`
  u.id, u.username, case when u.id = c.owner_id then 'owner' else 'member' end as role,
  p.joined_at, u.created_at
`;

export interface NewChat {
  name: string;
  ownerId: number;
  isGroup: boolean;
  isAiChat: boolean;
  /** Without the owner. */
  participantIds: number[];
}

/** @returns undefined when one of the people is in `chatsPerUserMax` chats already */
export async function insertChat(sql: Sql, chat: NewChat): Promise<Chat | undefined> {
  const memberIds = [chat.ownerId, ...chat.participantIds];
  return maybe(
    await sql`
      with c as (
        insert into chats (name, owner_id, is_group, is_ai_chat, participant_count)
        select ${chat.name}, ${chat.ownerId}, ${chat.isGroup}, ${chat.isAiChat}, ${memberIds.length}::int
        where not exists (
          select from chat_participants
          where user_id = any (${memberIds}::bigint[])
          group by user_id
          having count(*) >= ${chatsPerUserMax}
        )
        returning *
      ),
      people as (
        insert into chat_participants (chat_id, user_id)
        select c.id, member_id
        from c, unnest(${memberIds}::bigint[]) with ordinality as m (member_id, place)
        order by place
      )
      select ${chatColumns(sql)} from c
    `,
    Chat,
  );
}

export async function findChat(
  sql: Sql,
  userId: number,
  chatId: number,
): Promise<Chat | undefined> {
  return maybe(
    await sql`
      select ${chatColumns(sql)}
      from chat_participants me
      join chats c on c.id = me.chat_id
      where me.chat_id = ${chatId} and me.user_id = ${userId}
    `,
    Chat,
  );
}

/**
 * A person's chats, newest activity first. One statement however many there are; unread messages cost two index
 * look-ups a chat, since messages are numbered: all up to now, less all up to the read position, less one's own.
 */
export async function findChatSummaries(sql: Sql, userId: number): Promise<ChatSummary[]> {
  return many(
    await sql`
      select ${chatColumns(sql)},
        c.message_count - coalesce(seen.ordinal, 0) - own.count as unread_count,
        newest.content as last_message,
        newest.created_at as last_message_time
      from chat_participants me
      join chats c on c.id = me.chat_id
      left join lateral (
        select content, created_at from messages where chat_id = c.id order by seq desc limit 1
      ) newest on true
      left join lateral (
        select ordinal from messages
        where chat_id = c.id and seq <= me.last_read_seq
        order by seq desc limit 1
      ) seen on true
      cross join lateral (
        select count(*) from messages
        where chat_id = c.id and user_id = me.user_id and seq > me.last_read_seq
      ) own
      where me.user_id = ${userId}
      order by coalesce(newest.created_at, c.created_at) desc, c.id desc
      limit ${chatsPerUserMax}
    `,
    ChatSummary,
  );
}

/** @returns undefined for a chat that the caller is not in; otherwise never empty */
export async function findParticipants(
  sql: Sql,
  userId: number,
  chatId: number,
): Promise<Participant[] | undefined> {
  const participants = many(
    await sql`
      select ${participantColumns(sql)}
      from chat_participants me
      join chats c on c.id = me.chat_id
      join chat_participants p on p.chat_id = c.id
      join users u on u.id = p.user_id
      where me.chat_id = ${chatId} and me.user_id = ${userId}
      order by p.id
      limit ${groupSizeMax}
    `,
    Participant,
  );
  return participants.length > 0 ? participants : undefined;
}

export async function findParticipantIds(sql: Sql, chatId: number): Promise<number[]> {
  const rows = many(
    await sql`select user_id from chat_participants where chat_id = ${chatId} limit ${groupSizeMax}`,
    z.object({ user_id: z.int() }),
  );
  return rows.map((row) => row.user_id);
}

export async function isParticipant(sql: Sql, userId: number, chatId: number): Promise<boolean> {
  const row = one(
    await sql`
      select exists (
        select from chat_participants where chat_id = ${chatId} and user_id = ${userId}
      ) as found
    `,
    z.object({ found: z.boolean() }),
  );
  return row.found;
}

const AddedParticipant = z.object({
  chat: Chat,
  outcome: z.enum(["added", "present", "full", "too_many_chats"]),
});

/** Adds a person and takes the chat's next number. @returns undefined for a chat that the caller is not in */
export async function insertParticipant(
  sql: Sql,
  callerId: number,
  chatId: number,
  userId: number,
): Promise<z.infer<typeof AddedParticipant> | undefined> {
  const rows = await sql`
    with locked as materialized (
      select c.*
      from chats c
      join chat_participants me on me.chat_id = c.id and me.user_id = ${callerId}
      where c.id = ${chatId}
      for no key update of c
    ),
    state as materialized (
      select
        exists (select from chat_participants where chat_id = ${chatId} and user_id = ${userId}) as present,
        participant_count >= case when is_group then ${groupSizeMax}::int else ${privateSize}::int end as is_full,
        (select count(*) from chat_participants where user_id = ${userId}) >= ${chatsPerUserMax} as is_busy
      from locked
    ),
    added as (
      insert into chat_participants (chat_id, user_id, last_read_seq)
      select locked.id, ${userId}, locked.last_seq + 1
      from locked, state
      where not (present or is_full or is_busy)
      on conflict (chat_id, user_id) do nothing
      returning chat_id, user_id
    ),
    c as (
      update chats
      set last_seq = chats.last_seq + 1,
          updated_seq = chats.last_seq + 1,
          participant_count = participant_count + 1
      from added
      where chats.id = added.chat_id
      returning chats.*
    ),
    change as (
      insert into chat_changes (chat_id, seq, kind, user_id)
      select c.id, c.last_seq, 'participant_added', added.user_id from c, added
    )
    select ${chatColumns(sql)}, 'added' as outcome from c
    union all
    select ${chatColumns(sql)},
      case
        when present or not (is_full or is_busy) then 'present'
        when is_full then 'full'
        else 'too_many_chats'
      end
    from locked c, state
    where not exists (select from added)
  `;
  return maybe(
    rows.map(({ outcome, ...chat }) => ({ chat, outcome })),
    AddedParticipant,
  );
}

const RemovedParticipant = z.object({
  owner_id: z.int(),
  removed_seq: z.int().nullable(),
  username: z.string().nullable(),
});

/**
 * Removes a person and takes the chat's next number. The owner is never removed, and only the owner may remove others.
 * @returns undefined for a chat that the caller is not in; `removed_seq` null when nobody was removed
 */
export async function deleteParticipant(
  sql: Sql,
  callerId: number,
  chatId: number,
  userId: number,
): Promise<z.infer<typeof RemovedParticipant> | undefined> {
  return maybe(
    await sql`
      with locked as materialized (
        select c.id, c.owner_id, c.last_seq
        from chats c
        join chat_participants me on me.chat_id = c.id and me.user_id = ${callerId}
        where c.id = ${chatId}
        for no key update of c
      ),
      removed as (
        delete from chat_participants p
        using locked
        where p.chat_id = locked.id
          and p.user_id = ${userId}
          and p.user_id <> locked.owner_id
          and ${callerId}::bigint in (locked.owner_id, p.user_id)
        returning p.chat_id, p.user_id
      ),
      moved as (
        update chats
        set last_seq = chats.last_seq + 1,
            updated_seq = chats.last_seq + 1,
            participant_count = participant_count - 1
        from removed
        where chats.id = removed.chat_id
        returning chats.id, chats.last_seq
      ),
      change as (
        insert into chat_changes (chat_id, seq, kind, user_id)
        select moved.id, moved.last_seq, 'participant_removed', removed.user_id from moved, removed
      )
      select locked.owner_id, moved.last_seq as removed_seq, u.username
      from locked
      left join moved on true
      left join removed on true
      left join users u on u.id = removed.user_id
    `,
    RemovedParticipant,
  );
}

const UpdatedChat = z.object({
  chat: Chat,
  outcome: z.enum(["updated", "unchanged", "not_owner", "no_heir"]),
});

/** Renames a chat or hands it over. @returns undefined for a chat that the caller is not in */
export async function updateChat(
  sql: Sql,
  callerId: number,
  chatId: number,
  change: { name: string | undefined; ownerId: number | undefined },
): Promise<z.infer<typeof UpdatedChat> | undefined> {
  const name = change.name ?? null;
  const ownerId = change.ownerId ?? null;
  const rows = await sql`
    with locked as materialized (
      select c.*
      from chats c
      join chat_participants me on me.chat_id = c.id and me.user_id = ${callerId}
      where c.id = ${chatId}
      for no key update of c
    ),
    heir as materialized (
      select p.user_id
      from locked
      join chat_participants p on p.chat_id = locked.id and p.user_id = coalesce(${ownerId}::bigint, locked.owner_id)
      for key share of p
    ),
    state as materialized (
      select
        locked.owner_id <> ${callerId} as not_owner,
        not exists (select from heir) as no_heir,
        coalesce(${name}::text, locked.name) is not distinct from locked.name
          and coalesce(${ownerId}::bigint, locked.owner_id) = locked.owner_id as unchanged
      from locked
    ),
    updated as (
      update chats
      set name = coalesce(${name}::text, chats.name),
          owner_id = coalesce(${ownerId}::bigint, chats.owner_id),
          last_seq = chats.last_seq + 1,
          updated_seq = chats.last_seq + 1
      from state
      where chats.id = ${chatId} and not (not_owner or no_heir or unchanged)
      returning chats.*
    ),
    change as (
      insert into chat_changes (chat_id, seq, kind) select id, last_seq, 'chat_updated' from updated
    )
    select ${chatColumns(sql)}, 'updated' as outcome from updated c
    union all
    select ${chatColumns(sql)},
      case when not_owner then 'not_owner' when no_heir then 'no_heir' else 'unchanged' end
    from locked c, state
    where not exists (select from updated)
  `;
  return maybe(
    rows.map(({ outcome, ...chat }) => ({ chat, outcome })),
    UpdatedChat,
  );
}

const DeletedChat = z.object({
  name: z.string(),
  deleted: z.boolean(),
  participant_ids: z.array(z.int()),
});

/** Deletes a chat with all it holds, if the caller owns it. @returns undefined for a chat that the caller is not in */
export async function deleteChat(
  sql: Sql,
  callerId: number,
  chatId: number,
): Promise<z.infer<typeof DeletedChat> | undefined> {
  return maybe(
    await sql`
      with locked as materialized (
        select c.id, c.name, c.owner_id
        from chats c
        join chat_participants me on me.chat_id = c.id and me.user_id = ${callerId}
        where c.id = ${chatId}
        for update of c
      ),
      people as materialized (
        select coalesce(array_agg(p.user_id), '{}') as ids
        from locked join chat_participants p on p.chat_id = locked.id
      ),
      deleted as (
        delete from chats using locked
        where chats.id = locked.id and locked.owner_id = ${callerId}
        returning chats.id
      )
      select locked.name, exists (select from deleted) as deleted, people.ids as participant_ids
      from locked, people
    `,
    DeletedChat,
  );
}

/** Moves the read position forward, never back and never beyond the chat's newest number. */
export async function updateReadPosition(
  sql: Sql,
  userId: number,
  chatId: number,
  seq: number | undefined,
): Promise<number | undefined> {
  const row = maybe(
    await sql`
      update chat_participants me
      set last_read_seq = greatest(me.last_read_seq, least(coalesce(${seq ?? null}::bigint, c.last_seq), c.last_seq))
      from chats c
      where me.chat_id = ${chatId} and me.user_id = ${userId} and c.id = me.chat_id
      returning me.last_read_seq
    `,
    z.object({ last_read_seq: z.int() }),
  );
  return row?.last_read_seq;
}

export async function findChatName(sql: Sql, chatId: number): Promise<string | undefined> {
  const row = maybe(
    await sql`select name from chats where id = ${chatId}`,
    z.object({ name: z.string() }),
  );
  return row?.name;
}
