// The preferences of a participant for a chat in their own list.
import { z } from "zod";
import { maybe, type Sql } from "../database/connect.ts";
import { ChatPreferences, type ChatPreferencesInput } from "../wire/chats.ts";

/** The preferences of a row of chat_participants. A time that has passed is none. */
export const preferenceColumns = (sql: Sql, row: "me" | "changed") => {
  const time = `${row}.muted_until`;
  return sql.unsafe(`case when ${time} > now() then ${time} end as muted_until, ${row}.pinned`);
};

const ChangedPreferences = z.object({ ...ChatPreferences.shape, has_changed: z.boolean() });

/**
 * Changes some preferences of a participant. The row is locked first, so that of two changes at once the second one is compared
 * with the first.
 * @returns undefined for a chat that the user is not in
 */
export async function updatePreferences(
  sql: Sql,
  userId: number,
  chatId: number,
  { muted_until, pinned }: ChatPreferencesInput,
): Promise<z.infer<typeof ChangedPreferences> | undefined> {
  const mute = muted_until !== undefined;
  return maybe(
    await sql`
      with before as materialized (
        select me.chat_id, me.user_id, ${preferenceColumns(sql, "me")}
        from chat_participants me
        where me.chat_id = ${chatId} and me.user_id = ${userId}
        for no key update
      ),
      changed as (
        update chat_participants me
        set muted_until = case when ${mute} then ${muted_until ?? null}::timestamptz else me.muted_until end,
            pinned = coalesce(${pinned ?? null}::boolean, me.pinned)
        from before
        where me.chat_id = before.chat_id and me.user_id = before.user_id
        returning me.muted_until, me.pinned
      ),
      after as (select ${preferenceColumns(sql, "changed")} from changed)
      select after.muted_until, after.pinned,
        (after.muted_until, after.pinned) is distinct from (before.muted_until, before.pinned) as has_changed
      from after, before
    `,
    ChangedPreferences,
  );
}
