// Uploads in parts. An upload belongs to its person, who has to be in the chat still.
import { z } from "zod";
import { many, maybe, type Sql } from "../database/connect.ts";
import { attachmentJson } from "../log/attachment-queries.ts";
import { Attachment } from "../wire/attachments.ts";
import { Time } from "../wire/text.ts";
import { unfinishedMax, unsentSeconds } from "./upload-limits.ts";

const UploadRow = z.object({
  id: z.uuid(),
  name: z.string(),
  client_id: z.string().nullable(),
  kind: z.literal("voice").nullable(),
  size: z.int(),
  received: z.int(),
  attachment_id: z.int().nullable(),
  expires_at: Time,
});
export type UploadRow = z.infer<typeof UploadRow>;

/** @returns undefined for a chat that the caller is not in, and when as many uploads of theirs are unfinished as may be */
export async function insertUpload(
  sql: Sql,
  userId: number,
  chatId: number,
  upload: { name: string; size: number; clientId: string | null; isVoice: boolean },
): Promise<UploadRow | undefined> {
  return maybe(
    await sql`
      insert into uploads (id, chat_id, user_id, name, size, client_id, kind, expires_at)
      select gen_random_uuid(), me.chat_id, me.user_id, ${upload.name}, ${upload.size}::bigint, ${upload.clientId},
        ${upload.isVoice ? "voice" : null}::text, now() + ${unsentSeconds} * interval '1 second'
      from chat_participants me
      where me.chat_id = ${chatId} and me.user_id = ${userId}
        and (select count(*) from uploads where user_id = me.user_id and attachment_id is null and expires_at > now())
          < ${unfinishedMax}
      returning id, name, client_id, kind, size, received, attachment_id, expires_at
    `,
    UploadRow,
  );
}

export async function findUpload(
  sql: Sql,
  userId: number,
  chatId: number,
  uploadId: string,
): Promise<UploadRow | undefined> {
  return maybe(
    await sql`
      select u.id, u.name, u.client_id, u.kind, u.size, u.received, u.attachment_id, u.expires_at
      from chat_participants me
      join uploads u on u.chat_id = me.chat_id and u.user_id = me.user_id
      where me.chat_id = ${chatId} and me.user_id = ${userId} and u.id = ${uploadId} and u.expires_at > now()
    `,
    UploadRow,
  );
}

/**
 * Deletes an upload with its parts, whose files a trigger gives up, unless it has become an attachment that is still there.
 * @returns whether it was deleted
 */
export async function deleteUpload(
  sql: Sql,
  userId: number,
  chatId: number,
  uploadId: string,
): Promise<boolean> {
  const { count } = await sql`
    delete from uploads u using chat_participants me
    where me.chat_id = ${chatId} and me.user_id = ${userId} and u.chat_id = me.chat_id and u.user_id = me.user_id
      and u.id = ${uploadId} and u.expires_at > now()
      and (u.attachment_id is null or not exists (select from attachments where id = u.attachment_id))
  `;
  return count > 0;
}

const PartRow = z.object({ received: z.int() });

/**
 * Stores a part that was written, if it is the next one.
 * @returns the bytes that have been received then; undefined if another part came first, the upload is gone, or the file was given up
 */
export async function insertPart(
  sql: Sql,
  uploadId: string,
  part: { start: number; size: number; key: string },
): Promise<number | undefined> {
  const row = maybe(
    await sql`
      with pending as materialized (
        select key from file_removals where key = ${part.key} and is_pending for update
      ),
      moved as (
        update uploads set received = received + ${part.size}
        where id = ${uploadId} and received = ${part.start} and exists (select from pending)
        returning received
      ),
      added as (
        insert into upload_parts (upload_id, start, key)
        select ${uploadId}::uuid, ${part.start}::bigint, ${part.key} from moved
      ),
      kept as (
        delete from file_removals where key = ${part.key} and exists (select from moved)
      )
      select received from moved
    `,
    PartRow,
  );
  return row?.received;
}

/** The names of an upload's parts in order. */
export async function findParts(sql: Sql, uploadId: string): Promise<string[]> {
  const rows = many(
    await sql`select key from upload_parts where upload_id = ${uploadId} order by start`,
    z.object({ key: z.string() }),
  );
  return rows.map(({ key }) => key);
}

/** Finds an attachment of the caller that was made by an upload. */
export async function findUploaded(
  sql: Sql,
  userId: number,
  attachmentId: number,
): Promise<Attachment | undefined> {
  const row = maybe(
    await sql`
      select ${sql.unsafe(attachmentJson)} as attachment
      from attachments a
      join stored_files f on f.id = a.file_id
      where a.id = ${attachmentId} and a.user_id = ${userId}
    `,
    z.object({ attachment: Attachment }),
  );
  return row?.attachment;
}
