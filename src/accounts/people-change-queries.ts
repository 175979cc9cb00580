// The people whose profiles or blocks have changed. Triggers note them.
import { z } from "zod";
import { many, one, type Sql } from "../database/connect.ts";
import { chatsPerUserMax } from "../wire/chats.ts";
import { Profile } from "../wire/users.ts";
import { profileColumns } from "./people-queries.ts";

/** People of each kind whom one call tells of. Requests are limited so that they can never be as many. */
const changedMax = 10_000;

const Changes = z.object({
  cursor: z.string(),
  profiles: z.array(z.int()),
  blocks: z.array(z.int()),
  /** Chats that people have left by the deletion of their account. */
  left: z
    .array(z.tuple([z.int(), z.int()]))
    .transform((pairs) => pairs.map(([userId, chatId]) => ({ userId, chatId }))),
});

/**
 * Finds the people who have changed since an earlier call, in whatever order transactions have committed.
 * @param cursor undefined for the first call, which tells of no changes
 */
export async function findChangedPeople(
  sql: Sql,
  cursor: string | undefined,
): Promise<z.infer<typeof Changes>> {
  // The cursor is the snapshot of the call before, as in findChanges of presence.
  const before = sql`${cursor ?? null}::text::pg_snapshot`;
  const isNew = sql`
    changed_xid >= pg_snapshot_xmin(${before})
      and changed_xid < pg_snapshot_xmax(pg_current_snapshot())
      and not pg_visible_in_snapshot(changed_xid, ${before})
  `;
  const changed = (kind: "profile" | "blocks") => sql`
    array(select distinct user_id from people_changes where ${isNew} and kind = ${kind} limit ${changedMax})
  `;
  return one(
    await sql`
      select pg_current_snapshot()::text as cursor, ${changed("profile")} as profiles, ${changed("blocks")} as blocks,
        array(
          select array[user_id, chat_id] from people_changes where ${isNew} and chat_id is not null limit ${changedMax}
        ) as left
    `,
    Changes,
  );
}

const ChatIds = z.object({ chat_ids: z.array(z.int()) });

/** The profiles of people as they are now, with the chats in which they are seen. */
export async function findSeenProfiles(
  sql: Sql,
  userIds: readonly number[],
): Promise<{ profile: Profile; chatIds: number[] }[]> {
  const rows = await sql`
    select ${profileColumns(sql)},
      array(select chat_id from chat_participants where user_id = u.id limit ${chatsPerUserMax}) as chat_ids
    from users u
    where u.id = any (${[...userIds]}::bigint[])
  `;
  return rows.map(({ chat_ids, ...profile }) => ({
    profile: Profile.parse(profile),
    chatIds: ChatIds.parse({ chat_ids }).chat_ids,
  }));
}

const ChangedRow = z.object({ user_id: z.int() });

/** Deletes up to `limit` changes that are older than an hour. @returns how many */
export async function deleteOldPeopleChanges(sql: Sql, limit: number): Promise<number> {
  const rows = many(
    await sql`
      delete from people_changes
      where ctid = any (array(
        select ctid from people_changes where changed_at < now() - interval '1 hour' limit ${limit}
      ))
      returning user_id
    `,
    ChangedRow,
  );
  return rows.length;
}
