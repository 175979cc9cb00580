// Participants of a chat. As in queries.ts, a chat is found through the caller's membership, and a change locks the chat's
// row.
import { z } from "zod";
import { insertEvent, type Actor, type AuditEvent } from "../audit/queries.ts";
import { many, maybe, one, type Sql } from "../database/connect.ts";
import { Chat, chatsPerUserMax, groupSizeMax, Participant } from "../wire/chats.ts";
import { chatColumns } from "../log/chat-columns.ts";
import { avatarUrl } from "../log/picture-columns.ts";
import { lockedChat } from "./column-queries.ts";

const privateSize = 2;

const participantColumns = (sql: Sql) => sql`
  u.id, u.username, case when u.id = c.owner_id then 'owner' else p.role end as role,
  p.joined_at, u.created_at, u.display_name, ${avatarUrl(sql)} as avatar_url,
  u.bot_owner_id is not null as is_bot_account
`;

/** @returns undefined for a chat that the caller is not in; otherwise the list has the caller at least */
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

const FoundRow = z.object({ found: z.boolean() });

export async function isParticipant(sql: Sql, userId: number, chatId: number): Promise<boolean> {
  const row = one(
    await sql`
      select exists (
        select from chat_participants where chat_id = ${chatId} and user_id = ${userId}
      ) as found
    `,
    FoundRow,
  );
  return row.found;
}

const AddedParticipant = z.discriminatedUnion("outcome", [
  z.object({ outcome: z.literal("added"), chat: Chat, joined_at: Participant.shape.joined_at }),
  z.object({
    outcome: z.enum(["present", "full", "too_many_chats", "blocked_by_caller", "blocks_caller"]),
  }),
]);

/**
 * Adds a person and takes the chat's next number. For a person whom another request adds at this moment the outcome may be
 * `full`.
 * @returns undefined for a chat that the caller is not in
 */
export async function insertParticipant(
  sql: Sql,
  caller: Actor,
  chatId: number,
  user: { id: number; username: string },
): Promise<z.infer<typeof AddedParticipant> | undefined> {
  const userId = user.id;
  const rows = await sql`
    with locked as materialized (${lockedChat(sql, caller.id, chatId)}),
    state as materialized (
      select
        exists (select from chat_participants where chat_id = ${chatId} and user_id = ${userId}) as present,
        participant_count >= case when is_group then ${groupSizeMax}::int else ${privateSize}::int end as is_full,
        (select count(*) from chat_participants where user_id = ${userId}) >= ${chatsPerUserMax} as is_busy,
        exists (select from user_blocks where blocker_id = ${caller.id} and blocked_id = ${userId}) as is_blocked,
        exists (select from user_blocks where blocker_id = ${userId} and blocked_id = ${caller.id}) as blocks
      from locked
    ),
    added as (
      insert into chat_participants (chat_id, user_id, last_read_seq, joined_seq)
      select locked.id, ${userId}, locked.last_seq + 1, locked.last_seq + 1
      from locked, state
      where not (present or is_full or is_busy or is_blocked or blocks)
      on conflict (chat_id, user_id) do nothing
      returning chat_id, user_id, joined_at
    ),
    moved as (
      update chats c
      set last_seq = c.last_seq + 1,
          updated_seq = c.last_seq + 1,
          participant_count = c.participant_count + 1
      from added
      where c.id = added.chat_id
      returning ${chatColumns(sql)}
    ),
    change as (
      insert into chat_changes (chat_id, seq, kind, user_id)
      select moved.id, moved.last_seq, 'participant_added', added.user_id from moved, added
    ),
    -- A private chat of one is theirs from now on, unless they have another.
    pair as (
      insert into private_chats (low_user_id, high_user_id, chat_id)
      select least(${caller.id}, added.user_id), greatest(${caller.id}, added.user_id), added.chat_id
      from added, locked
      where not locked.is_group and not locked.is_ai_chat
      on conflict do nothing
    ),
    audited as (${insertEvent(sql, invitation(caller, chatId, user), sql`from added`)})
    select ${chatColumns(sql)}, added.joined_at, 'added' as outcome from moved c, added
    union all
    select ${chatColumns(sql)}, null,
      case
        when present then 'present'
        when blocks then 'blocks_caller'
        when is_blocked then 'blocked_by_caller'
        when not (is_full or is_busy) then 'present'
        when is_full then 'full'
        else 'too_many_chats'
      end
    from locked c, state
    where not exists (select from added)
  `;
  return maybe(
    rows.map(({ outcome, joined_at, ...chat }) => ({ chat, outcome, joined_at })),
    AddedParticipant,
  );
}

function invitation(
  caller: Actor,
  chatId: number,
  user: { id: number; username: string },
): AuditEvent {
  return {
    action: "invite",
    outcome: "ok",
    actor: caller,
    target: `chat:${chatId}`,
    details: { user_id: user.id, username: user.username },
    source: caller.source,
  };
}
