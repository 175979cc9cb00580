// The names in the store that have to be removed: those of files that are being written, until their rows are stored, and of deleted ones.
import { z } from "zod";
import { many, type Sql } from "../database/connect.ts";

const KeyRow = z.object({ key: z.string() });

/** Notes names of files that are about to be written, so that they are removed if their rows are never stored. */
export async function notePending(
  sql: Sql,
  keys: readonly string[],
  pendingSeconds: number,
): Promise<void> {
  await sql`
    insert into file_removals (key, remove_after, is_pending)
    select key, now() + ${pendingSeconds} * interval '1 second', true from unnest(${[...keys]}::text[]) t (key)
  `;
}

/** Notes that files were written for nothing, so that they are removed soon. */
export async function discardPending(sql: Sql, keys: readonly string[]): Promise<void> {
  await sql`
    update file_removals set remove_after = now(), is_pending = false
    where key = any (${[...keys]}::text[]) and is_pending
  `;
}

/**
 * Takes names that are due. Other servers leave them alone for `leaseSeconds`; after a crash they are due again then. From now on no
 * statement can store a row with one of them.
 */
export async function takeRemovals(
  sql: Sql,
  { limit, leaseSeconds }: { limit: number; leaseSeconds: number },
): Promise<string[]> {
  const rows = many(
    await sql`
      update file_removals set remove_after = now() + ${leaseSeconds} * interval '1 second', is_pending = false
      where key in (
        select key from file_removals where remove_after <= now()
        order by remove_after limit ${limit} for update skip locked
      )
      returning key
    `,
    KeyRow,
  );
  return rows.map(({ key }) => key);
}

export async function deleteRemovals(sql: Sql, keys: readonly string[]): Promise<void> {
  await sql`delete from file_removals where key = any (${[...keys]}::text[])`;
}

/** Deletes uploads that no message has taken, `limit` at most. Triggers note the names of their files. @returns how many */
export async function deleteUnsent(
  sql: Sql,
  { unsentSeconds, limit }: { unsentSeconds: number; limit: number },
): Promise<number> {
  const rows = await sql`
    delete from attachments where id in (
      select id from attachments
      where message_id is null and created_at < now() - ${unsentSeconds} * interval '1 second'
      order by created_at limit ${limit} for update skip locked
    )
    returning id
  `;
  return rows.length;
}

/** Deletes uploads in parts that were not completed in time, `limit` at most. @returns how many */
export async function deleteExpiredUploads(sql: Sql, limit: number): Promise<number> {
  const rows = await sql`
    delete from uploads where id in (
      select id from uploads where expires_at < now() order by expires_at limit ${limit} for update skip locked
    )
    returning id
  `;
  return rows.length;
}

/** Deletes the counts of days that are over for a while. */
export async function deleteOldCounts(sql: Sql): Promise<void> {
  await sql`delete from uploaded_bytes where day < current_date - 2`;
}
