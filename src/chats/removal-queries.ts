// The end of a participation. As in queries.ts, a chat is found through the caller's membership, and a change locks the chat's row.
import { z } from "zod";
import { insertEvent, type Actor } from "../audit/queries.ts";
import { maybe, type Sql } from "../database/connect.ts";
import { Chat, Participant } from "../wire/chats.ts";
import { chatColumns } from "../log/chat-columns.ts";
import { lockedChat } from "./column-queries.ts";

const StoredRole = z.enum(["member", "moderator"]);

const Standing = z.object({
  owner_id: z.int(),
  /** A chat's owner is stored as a member. */
  caller_role: StoredRole,
  /** Null for a person who is not in the chat. */
  role: Participant.shape.role.nullable(),
});
export type Standing = z.infer<typeof Standing>;

/** The roles of the caller and of another person. @returns undefined for a chat that the caller is not in */
export async function findStanding(
  sql: Sql,
  callerId: number,
  chatId: number,
  userId: number,
): Promise<Standing | undefined> {
  return maybe(
    await sql`
      select c.owner_id, me.role as caller_role, case when p.user_id = c.owner_id then 'owner' else p.role end as role
      from chat_participants me
      join chats c on c.id = me.chat_id
      left join chat_participants p on p.chat_id = c.id and p.user_id = ${userId}
      where me.chat_id = ${chatId} and me.user_id = ${callerId}
    `,
    Standing,
  );
}

const RemovedParticipant = z.object({
  standing: Standing,
  /** The chat after the removal, and the name of the person; null when nobody was removed. */
  removed: z.object({ chat: Chat, username: z.string() }).nullable(),
});

/**
 * Removes a person and takes the chat's next number. The owner is never removed. The owner may remove everybody else, and a
 * moderator may remove members.
 * @returns undefined for a chat that the caller is not in; `removed` is null when nobody was removed
 */
export async function deleteParticipant(
  sql: Sql,
  caller: Actor,
  chatId: number,
  userId: number,
): Promise<z.infer<typeof RemovedParticipant> | undefined> {
  const rows = await sql`
      with locked as materialized (${lockedChat(sql, caller.id, chatId, { byRole: true })}),
      removed as (
        delete from chat_participants p
        using locked
        where p.chat_id = locked.id
          and p.user_id = ${userId}
          and p.user_id <> locked.owner_id
          and (
            ${caller.id}::bigint in (locked.owner_id, p.user_id)
            or (locked.caller_role = 'moderator' and p.role = 'member')
          )
        returning p.chat_id, p.user_id
      ),
      moved as (
        update chats c
        set last_seq = c.last_seq + 1,
            updated_seq = c.last_seq + 1,
            participant_count = c.participant_count - 1
        from removed
        where c.id = removed.chat_id
        returning ${chatColumns(sql)}
      ),
      change as (
        insert into chat_changes (chat_id, seq, kind, user_id)
        select moved.id, moved.last_seq, 'participant_removed', removed.user_id from moved, removed
      ),
      audited as (${insertEvent(
        sql,
        {
          action: userId === caller.id ? "leave" : "remove",
          outcome: "ok",
          actor: caller,
          target: `chat:${chatId}`,
          details: sql`jsonb_build_object('user_id', u.id, 'username', u.username)`,
          source: caller.source,
        },
        sql`from removed join users u on u.id = removed.user_id`,
      )})
      select moved.*, u.username, locked.owner_id as locked_owner_id, locked.caller_role,
        (
          select case when p.user_id = locked.owner_id then 'owner' else p.role end
          from chat_participants p where p.chat_id = locked.id and p.user_id = ${userId}
        ) as role
      from locked
      left join moved on true
      left join removed on true
      left join users u on u.id = removed.user_id
    `;
  return maybe(
    rows.map(({ locked_owner_id: owner_id, caller_role, role, username, ...chat }) => ({
      standing: { owner_id, caller_role, role },
      removed: username === null ? null : { chat, username },
    })),
    RemovedParticipant,
  );
}
