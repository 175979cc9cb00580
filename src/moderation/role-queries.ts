// The role of a participant. As every change of a chat, it locks the chat's row and takes the chat's next number.
import { z } from "zod";
import { insertEvent, type Actor } from "../audit/queries.ts";
import { lockedChat } from "../chats/column-queries.ts";
import { maybe, type Sql } from "../database/connect.ts";
import { avatarUrl } from "../log/picture-columns.ts";
import { Participant } from "../wire/chats.ts";

const ChangedRole = z.object({
  outcome: z.enum(["updated", "unchanged", "not_owner", "absent", "is_owner"]),
  updated_seq: z.int().nullable(),
  participant: Participant.nullable(),
});

/**
 * Makes a participant a moderator or a member, if the caller owns the chat.
 * @returns undefined for a chat that the caller is not in
 */
export async function updateRole(
  sql: Sql,
  caller: Actor,
  { chatId, userId }: { chatId: number; userId: number },
  role: "member" | "moderator",
): Promise<z.infer<typeof ChangedRole> | undefined> {
  const rows = await sql`
    with locked as materialized (${lockedChat(sql, caller.id, chatId)}),
    target as materialized (
      select p.user_id, p.role, p.joined_at, u.username, u.created_at, u.display_name, ${avatarUrl(sql)} as avatar_url,
        u.bot_owner_id is not null as is_bot_account
      from locked
      join chat_participants p on p.chat_id = locked.id and p.user_id = ${userId}
      join users u on u.id = p.user_id
      for no key update of p
    ),
    verdict as materialized (
      select case
          when locked.owner_id <> ${caller.id} then 'not_owner'
          when target.user_id is null then 'absent'
          when target.user_id = locked.owner_id then 'is_owner'
          when target.role = ${role} then 'unchanged'
          else 'updated'
        end as outcome
      from locked left join target on true
    ),
    updated as (
      update chat_participants p set role = ${role}
      from verdict
      where p.chat_id = ${chatId} and p.user_id = ${userId} and verdict.outcome = 'updated'
      returning p.chat_id, p.user_id
    ),
    moved as (
      update chats set last_seq = chats.last_seq + 1, updated_seq = chats.last_seq + 1
      from updated
      where chats.id = updated.chat_id
      returning chats.id, chats.last_seq
    ),
    change as (
      insert into chat_changes (chat_id, seq, kind, user_id)
      select moved.id, moved.last_seq, 'participant_updated', updated.user_id from moved, updated
    ),
    audited as (${insertEvent(
      sql,
      {
        action: "change_role",
        outcome: "ok",
        actor: caller,
        target: `chat:${chatId}`,
        details: sql`jsonb_build_object('user_id', user_id, 'username', username, 'role', ${role}::text)`,
        source: caller.source,
      },
      sql`from target where exists (select from updated)`,
    )})
    select verdict.outcome, moved.last_seq as updated_seq, target.user_id as id, target.username,
      ${role}::text as role, target.joined_at, target.created_at, target.display_name, target.avatar_url, target.is_bot_account
    from verdict
    left join target on true
    left join moved on true
  `;
  return maybe(
    rows.map(({ outcome, updated_seq, ...participant }) => ({
      outcome,
      updated_seq,
      participant: participant.id === null ? null : participant,
    })),
    ChangedRole,
  );
}
