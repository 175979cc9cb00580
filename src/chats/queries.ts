// A chat is always found through the caller's membership. Every change locks the chat's row first and takes the room's next
// number in the same statement. Conditions that a race could break are read from the locked row or lock rows themselves,
// because all other reads show the statement's snapshot.
import { z } from "zod";
import { insertEvent, type Actor, type AuditEvent } from "../audit/queries.ts";
import { maybe, type Sql } from "../database/connect.ts";
import { Chat, type ChatSettings } from "../wire/chats.ts";
import { chatColumns } from "../log/chat-columns.ts";
import { chatColumnsFor, lockedChat, shownName } from "./column-queries.ts";

export async function findChat(
  sql: Sql,
  userId: number,
  chatId: number,
): Promise<Chat | undefined> {
  return maybe(
    await sql`
      select ${chatColumnsFor(sql, userId)}
      from chat_participants me
      join chats c on c.id = me.chat_id
      where me.chat_id = ${chatId} and me.user_id = ${userId}
    `,
    Chat,
  );
}

const UpdatedChat = z.object({
  /** The chat with the name that is stored. */
  chat: Chat,
  /** The name that the caller is shown. */
  shown_name: z.string(),
  outcome: z.enum(["updated", "unchanged", "not_owner", "no_heir"]),
});

interface ChatChange {
  name: string | undefined;
  ownerId: number | undefined;
  settings: Partial<ChatSettings> | undefined;
}

/**
 * Renames a chat, transfers it to another owner, or changes some of its settings.
 * @returns undefined for a chat that the caller is not in
 */
export async function updateChat(
  sql: Sql,
  caller: Actor,
  chatId: number,
  change: ChatChange,
): Promise<z.infer<typeof UpdatedChat> | undefined> {
  const name = change.name ?? null;
  const ownerId = change.ownerId ?? null;
  const settings = sql.json({ ...change.settings });
  const rows = await sql`
    with locked as materialized (${lockedChat(sql, caller.id, chatId)}),
    heir as materialized (
      select p.user_id from locked
      join chat_participants p on p.chat_id = locked.id and p.user_id = coalesce(${ownerId}::bigint, locked.owner_id)
      for key share of p
    ),
    -- The name is null if the chat keeps its name.
    wanted as materialized (
      select nullif(${name}::text, ${shownName(sql, caller.id)}) as name from locked c
    ),
    state as materialized (
      select
        locked.owner_id <> ${caller.id} as not_owner,
        not exists (select from heir) as no_heir,
        wanted.name as name,
        wanted.name is null
          and coalesce(${ownerId}::bigint, locked.owner_id) = locked.owner_id
          and locked.settings || ${settings}::jsonb = locked.settings as unchanged
      from locked, wanted
    ),
    updated as (
      update chats c
      set name = coalesce(state.name, c.name),
          is_named = c.is_named or state.name is not null,
          owner_id = coalesce(${ownerId}::bigint, c.owner_id),
          settings = c.settings || ${settings}::jsonb,
          last_seq = c.last_seq + 1,
          updated_seq = c.last_seq + 1
      from state
      where c.id = ${chatId} and not (not_owner or no_heir or unchanged)
      returning ${chatColumns(sql)}
    ),
    -- A new owner who was a moderator is a member when they hand the chat over.
    promoted as (
      update chat_participants p set role = 'member' from updated
      where p.chat_id = updated.id and p.user_id = updated.owner_id and p.role <> 'member'
    ),
    change as (
      insert into chat_changes (chat_id, seq, kind) select id, last_seq, 'chat_updated' from updated
    ),
    audited as (${insertEvent(sql, changeEvent(caller, chatId, change), sql`from updated`)})
    select ${chatColumns(sql)}, ${shownName(sql, caller.id)} as shown_name, 'updated' as outcome from updated c
    union all
    select ${chatColumns(sql)}, ${shownName(sql, caller.id)},
      case when not_owner then 'not_owner' when no_heir then 'no_heir' else 'unchanged' end
    from locked c, state
    where not exists (select from updated)
  `;
  return maybe(
    rows.map(({ outcome, shown_name, ...chat }) => ({ chat, shown_name, outcome })),
    UpdatedChat,
  );
}

function changeEvent(caller: Actor, chatId: number, change: ChatChange): AuditEvent {
  return {
    action: "change_chat",
    outcome: "ok",
    actor: caller,
    target: `chat:${chatId}`,
    details: {
      changed: changedMembers(change),
      ...(change.ownerId === undefined ? {} : { owner_id: change.ownerId }),
    },
    source: caller.source,
  };
}

/** The names of the members that a request wants to change, as in the wire. Their values are not recorded. */
function changedMembers(change: ChatChange): string[] {
  return [
    ...(change.name === undefined ? [] : ["name"]),
    ...(change.ownerId === undefined ? [] : ["owner_id"]),
    ...Object.keys(change.settings ?? {}).map((name) => `settings.${name}`),
  ];
}

const DeletedChat = z.object({
  name: z.string(),
  deleted: z.boolean(),
  participant_ids: z.array(z.int()),
});

/**
 * Deletes a chat, if the caller owns it. From then on nobody finds its messages; purge.ts deletes them page by page.
 * @returns undefined for a chat that the caller is not in
 */
export async function deleteChat(
  sql: Sql,
  caller: Actor,
  chatId: number,
): Promise<z.infer<typeof DeletedChat> | undefined> {
  return maybe(
    await sql`
      with locked as materialized (
        select c.id, c.name, c.owner_id from chats c
        join chat_participants me on me.chat_id = c.id and me.user_id = ${caller.id}
        where c.id = ${chatId}
        for update of c
      ),
      people as materialized (
        select people_of_chat(locked.id) as ids from locked
      ),
      deleted as (
        delete from chats using locked
        where chats.id = locked.id and locked.owner_id = ${caller.id}
        returning chats.id
      ),
      audited as (${insertEvent(
        sql,
        {
          action: "delete_chat",
          outcome: "ok",
          actor: caller,
          target: `chat:${chatId}`,
          details: sql`jsonb_build_object('participants', cardinality(people.ids))`,
          source: caller.source,
        },
        sql`from deleted, people`,
      )})
      select locked.name, exists (select from deleted) as deleted, people.ids as participant_ids
      from locked, people
    `,
    DeletedChat,
  );
}
