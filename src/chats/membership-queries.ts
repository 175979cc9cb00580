// The people who have come into chats or left them, and the chats that people are in.
import { z } from "zod";
import { many, one, type Sql } from "../database/connect.ts";
import { chatsOf, ChatsOfColumn, type ChatsOf } from "../log/chats-of-people.ts";

/** People that one call of {@link findMembershipChanges} tells of. */
export const changedPeopleMax = 5_000;

export interface MembershipChanges {
  /** The place from which the next call goes on. */
  cursor: string;
  /** People whose chats have changed since the call before; undefined for more than {@link changedPeopleMax} changes. */
  userIds: number[] | undefined;
}

const ChangesRow = z.object({ cursor: z.string(), user_ids: z.array(z.int()) });

/**
 * Finds the people who came into a chat or left one since an earlier call, in whatever order transactions have committed.
 * Changes are kept for an hour.
 * @param cursor undefined for the first call, which tells of no changes
 */
export async function findMembershipChanges(
  sql: Sql,
  cursor: string | undefined,
): Promise<MembershipChanges> {
  // As for presence, the cursor is the snapshot of the call before, and what was not committed then is new.
  const before = sql`${cursor ?? null}::text::pg_snapshot`;
  const found = one(
    await sql`
      select
        pg_current_snapshot()::text as cursor,
        array(
          select user_id from membership_changes
          where changed_xid >= pg_snapshot_xmin(${before})
            and changed_xid < pg_snapshot_xmax(pg_current_snapshot())
            and not pg_visible_in_snapshot(changed_xid, ${before})
          limit ${changedPeopleMax + 1}
        ) as user_ids
    `,
    ChangesRow,
  );
  const userIds = found.user_ids.length > changedPeopleMax ? undefined : found.user_ids;
  return { cursor: found.cursor, userIds };
}

const ChatsRow = z.object({ chats: ChatsOfColumn });

/** The chats of some people. @returns in the order of `userIds` */
export async function findChats(sql: Sql, userIds: readonly number[]): Promise<ChatsOf[]> {
  const rows = many(
    await sql`
      select array(${chatsOf(sql, sql`i.user_id`)}) as chats
      from unnest(${[...userIds]}::bigint[]) with ordinality as i (user_id, n)
      order by i.n
    `,
    ChatsRow,
  );
  return rows.map(({ chats }) => new Map(chats));
}
