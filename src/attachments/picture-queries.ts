// Storing the row of a picture of an answer.
import { z } from "zod";
import { one, type Sql } from "../database/connect.ts";
import type { AnswerPicture } from "../model/stream-answer.ts";
import type { NewFile } from "./insert-queries.ts";

const InsertedPicture = z.object({ is_new: z.boolean(), is_stored: z.boolean() });

/**
 * Stores a picture as a file of an answer that this server runs. Another server may have taken the answer over, or it may have been
 * deleted: then nothing is stored.
 * @returns `isNew`: whether the written files were taken; false also if the chat had the same bytes
 */
export async function insertPicture(
  sql: Sql,
  { chatId, messageId, lease, place, at }: AnswerPicture,
  file: NewFile & { name: string },
  uploadedSha256: Buffer,
): Promise<{ isNew: boolean; isStored: boolean }> {
  const keys = [file.key, ...file.thumbnails.map(({ key }) => key)];
  const row = one(
    await sql`
      with run as materialized (
        select message_id from answer_runs
        where id = ${lease.id} and attempt = ${lease.attempt} and message_id = ${messageId}
        for no key update
      ),
      answer as materialized (
        select m.id from messages m join run on run.message_id = m.id
        where m.chat_id = ${chatId} and m.status = 'streaming'
        for no key update of m
      ),
      pending as materialized (
        select key from file_removals where key = any (${keys}::text[]) and is_pending order by key for update
      ),
      made as (
        insert into stored_files (
          chat_id, uploaded_sha256, key, sha256, size, media_type, kind, width, height, thumbnails, blur
        )
        select ${chatId}, ${uploadedSha256}, ${file.key}, ${file.sha256}::bytea, ${file.size}, ${file.mediaType}, ${file.kind},
          ${file.width}::int, ${file.height}::int, ${JSON.stringify(file.thumbnails)}::text::json, ${file.blur}::text
        from answer
        where (select count(*) from pending) = ${keys.length}
        on conflict (chat_id, uploaded_sha256, (kind = 'voice')) do update set created_at = stored_files.created_at
        returning id, key
      ),
      kept as (
        delete from file_removals where key in (select key from pending) and exists (select from made where key = ${file.key})
      ),
      a as (
        insert into attachments (chat_id, file_id, name, kind, message_id, place, text_at)
        select ${chatId}, made.id, ${file.name}, ${file.kind}, ${messageId}, ${place}, ${at} from made
        returning id
      )
      select exists (select from a) as is_stored, exists (select from made where key = ${file.key}) as is_new
    `,
    InsertedPicture,
  );
  return { isNew: row.is_new, isStored: row.is_stored };
}
