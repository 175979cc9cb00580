// The pictures of people and of chats. A picture that is replaced is noted by triggers, so that its files are removed.
import { z } from "zod";
import { userColumns } from "../../accounts/user-queries.ts";
import { insertEvent, type Actor } from "../../audit/queries.ts";
import { lockedChat, shownName } from "../../chats/column-queries.ts";
import { maybe, type Sql } from "../../database/connect.ts";
import { chatColumns } from "../../log/chat-columns.ts";
import { Chat } from "../../wire/chats.ts";
import { User } from "../../wire/users.ts";

/** A picture whose files are written, or undefined for none. */
export type NewPicture = { id: string; keys: readonly string[] } | undefined;

/** Common table expressions: `pending` has the names of the files that were not given up, and `kept` takes them for a row of `updated`. */
const pendingFiles = (sql: Sql, picture: NewPicture) => sql`
  pending as materialized (
    select key from file_removals where key = any (${[...(picture?.keys ?? [])]}::text[]) and is_pending order by key for update
  )
`;
const keptFiles = (sql: Sql) => sql`
  kept as (
    delete from file_removals where key in (select key from pending) and exists (select from updated)
  )
`;
const areAllPending = (sql: Sql, picture: NewPicture) =>
  sql`(select count(*) from pending) = ${picture?.keys.length ?? 0}`;

/** @returns undefined for an account that is gone, and if the files were given up */
export async function updateAvatar(
  sql: Sql,
  caller: Actor,
  picture: NewPicture,
): Promise<User | undefined> {
  return maybe(
    await sql`
      with ${pendingFiles(sql, picture)},
      updated as (
        update users set avatar_id = ${picture?.id ?? null}::uuid
        where id = ${caller.id} and deleted_at is null and ${areAllPending(sql, picture)}
        returning ${userColumns(sql)}
      ),
      ${keptFiles(sql)},
      audited as (${insertEvent(
        sql,
        {
          action: "change_profile",
          outcome: "ok",
          actor: caller,
          target: `user:${caller.id}`,
          details: { changed: ["avatar"] },
          source: caller.source,
        },
        sql`from updated`,
      )})
      select updated.* from updated
    `,
    User,
  );
}

const ChangedChat = z.object({
  /** The chat with the name that is stored. */
  chat: Chat,
  /** The name that the caller is shown. */
  shown_name: z.string(),
  outcome: z.enum(["updated", "unchanged", "not_owner", "late"]),
});

/** @returns undefined for a chat that the caller is not in */
export async function updateChatPicture(
  sql: Sql,
  caller: Actor,
  chatId: number,
  picture: NewPicture,
): Promise<z.infer<typeof ChangedChat> | undefined> {
  const rows = await sql`
    with locked as materialized (${lockedChat(sql, caller.id, chatId)}),
    ${pendingFiles(sql, picture)},
    verdict as materialized (
      select case
        when owner_id <> ${caller.id} then 'not_owner'
        when picture_id is not distinct from ${picture?.id ?? null}::uuid then 'unchanged'
        when ${areAllPending(sql, picture)} then 'updated'
        else 'late'
      end as outcome
      from locked
    ),
    updated as (
      update chats c
      set picture_id = ${picture?.id ?? null}::uuid, last_seq = c.last_seq + 1, updated_seq = c.last_seq + 1
      from verdict
      where c.id = ${chatId} and verdict.outcome = 'updated'
      returning ${chatColumns(sql)}
    ),
    ${keptFiles(sql)},
    change as (
      insert into chat_changes (chat_id, seq, kind) select id, last_seq, 'chat_updated' from updated
    ),
    audited as (${insertEvent(
      sql,
      {
        action: "change_chat",
        outcome: "ok",
        actor: caller,
        target: `chat:${chatId}`,
        details: { changed: ["picture"] },
        source: caller.source,
      },
      sql`from updated`,
    )})
    select ${chatColumns(sql)}, ${shownName(sql, caller.id)} as shown_name, 'updated' as outcome from updated c
    union all
    select ${chatColumns(sql)}, ${shownName(sql, caller.id)}, outcome
    from locked c, verdict
    where not exists (select from updated)
  `;
  return maybe(
    rows.map(({ outcome, shown_name, ...chat }) => ({ chat, shown_name, outcome })),
    ChangedChat,
  );
}

/** Whether a person is in a chat that has this picture. */
export async function hasChatPicture(
  sql: Sql,
  userId: number,
  chatId: number,
  pictureId: string,
): Promise<boolean> {
  const rows = await sql`
    select 1 from chat_participants me
    join chats c on c.id = me.chat_id
    where me.chat_id = ${chatId} and me.user_id = ${userId} and c.picture_id = ${pictureId}
  `;
  return rows.length > 0;
}
