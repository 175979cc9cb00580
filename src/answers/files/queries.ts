// The files of a prompt when the model is asked, and their copies at the provider of the model.
import { z } from "zod";
import { many, one, type Sql } from "../../database/connect.ts";

const ReadableFile = z.object({
  id: z.int(),
  file_id: z.int(),
  key: z.string(),
  size: z.int(),
  /** The still picture of an image. */
  preview: z.object({ key: z.string(), length: z.int() }).nullable(),
  /** The copy at the provider of the model, if it is valid for a while. */
  uri: z.string().nullable(),
});
/** A file that can be read now. */
export type ReadableFile = z.infer<typeof ReadableFile>;

/** Copies that expire sooner are sent again. */
const validSeconds = 600;

/**
 * Finds files that the room can read at this moment: of messages of the chat. Those that were deleted meanwhile, or that no message
 * has taken, are left out.
 */
export async function findReadableFiles(
  sql: Sql,
  chatId: number,
  ids: readonly number[],
): Promise<ReadableFile[]> {
  if (ids.length === 0) return [];
  return many(
    await sql`
      select a.id, f.id as file_id, f.key, f.size,
        (
          select json_build_object('key', t ->> 'key', 'length', (t ->> 'length')::bigint)
          from json_array_elements(f.thumbnails) t
          order by (t ->> 'size')::int desc
          limit 1
        ) as preview,
        (
          select uri from model_files c
          where c.file_id = f.id and c.expires_at > now() + ${validSeconds} * interval '1 second'
        ) as uri
      from attachments a
      join stored_files f on f.id = a.file_id
      where a.id = any (${[...ids]}::bigint[]) and a.chat_id = ${chatId} and a.message_id is not null
    `,
    ReadableFile,
  );
}

/** Notes the name of a copy that is about to be sent, so that it is removed if its row is never stored. */
export async function notePendingCopy(
  sql: Sql,
  name: string,
  pendingSeconds: number,
): Promise<void> {
  await sql`
    insert into model_file_removals (name, remove_after, is_pending)
    values (${name}, now() + ${pendingSeconds} * interval '1 second', true)
  `;
}

/** Notes that a copy was sent for nothing, so that it is removed soon. */
export async function discardPendingCopy(sql: Sql, name: string): Promise<void> {
  await sql`
    update model_file_removals set remove_after = now(), is_pending = false where name = ${name} and is_pending
  `;
}

export interface NewCopy {
  fileId: number;
  name: string;
  uri: string;
  expiresAt: Date;
}

const InsertedCopy = z.object({ is_stored: z.boolean(), uri: z.string().nullable() });

/**
 * Stores the row of a copy that was sent. If another server has sent one meanwhile, that one counts.
 * @returns `uri` of the copy that counts; null when the file was deleted
 */
export async function insertCopy(
  sql: Sql,
  { fileId, name, uri, expiresAt }: NewCopy,
): Promise<{ isStored: boolean; uri: string | null }> {
  const row = one(
    await sql`
      with pending as materialized (
        select name from model_file_removals where name = ${name} and is_pending for update
      ),
      file as materialized (
        select id from stored_files where id = ${fileId} for key share
      ),
      stored as (
        insert into model_files (file_id, name, uri, expires_at)
        select file.id, ${name}, ${uri}, ${expiresAt.toISOString()}::timestamptz from file cross join pending
        on conflict (file_id) do update set name = excluded.name, uri = excluded.uri, expires_at = excluded.expires_at
          where model_files.expires_at <= now() + ${validSeconds} * interval '1 second'
        returning name
      ),
      kept as (
        delete from model_file_removals where name in (select name from stored)
      )
      select exists (select from stored) as is_stored,
        coalesce(
          (select ${uri}::text from stored),
          (
            select uri from model_files
            where file_id = ${fileId} and expires_at > now() + ${validSeconds} * interval '1 second'
          )
        ) as uri
    `,
    InsertedCopy,
  );
  return { isStored: row.is_stored, uri: row.uri };
}

/** Forgets copies that the provider no longer has. A trigger has them removed, in case it has them all the same. */
export async function deleteCopies(sql: Sql, fileIds: readonly number[]): Promise<void> {
  await sql`delete from model_files where file_id = any (${[...fileIds]}::bigint[])`;
}

const NameRow = z.object({ name: z.string() });

/** Takes names of copies that have to be removed. Other servers leave them alone for `leaseSeconds`. */
export async function takeCopyRemovals(
  sql: Sql,
  { limit, leaseSeconds }: { limit: number; leaseSeconds: number },
): Promise<string[]> {
  const rows = many(
    await sql`
      update model_file_removals
      set remove_after = now() + ${leaseSeconds} * interval '1 second', is_pending = false
      where name in (
        select name from model_file_removals where remove_after <= now()
        order by remove_after limit ${limit} for update skip locked
      )
      returning name
    `,
    NameRow,
  );
  return rows.map(({ name }) => name);
}

export async function deleteCopyRemoval(sql: Sql, name: string): Promise<void> {
  await sql`delete from model_file_removals where name = ${name}`;
}

/** Puts a removal off that has failed: for a minute, then for longer. After `keptHours` the provider has removed the copy itself. */
export async function delayCopyRemoval(
  sql: Sql,
  name: string,
  { firstSeconds, keptHours }: { firstSeconds: number; keptHours: number },
): Promise<void> {
  await sql`
    with late as (
      delete from model_file_removals
      where name = ${name} and created_at < now() - ${keptHours} * interval '1 hour'
    )
    update model_file_removals
    set tries = tries + 1, remove_after = now() + least(3600, ${firstSeconds} * power(2, least(tries, 10))) * interval '1 second'
    where name = ${name} and created_at >= now() - ${keptHours} * interval '1 hour'
  `;
}

/** Deletes rows of copies that have expired. */
export async function deleteExpiredCopies(sql: Sql): Promise<void> {
  await sql`delete from model_files where expires_at < now()`;
}
