// The rows of files. A file is found through the caller's membership. What was not sent yet is found by its uploader alone.
import { z } from "zod";
import { many, maybe, type Sql } from "../database/connect.ts";
import { attachmentJson } from "../log/attachment-queries.ts";
import { Attachment, type AttachmentKind, type GalleryItem } from "../wire/attachments.ts";
import { Time } from "../wire/text.ts";

/**
 * Bytes that a person has uploaded today, that were uploaded to the chat today, the person's files that wait to be sent, and whether the
 * client id was used before.
 */
const UsageRow = z.object({
  user_bytes: z.int(),
  chat_bytes: z.int(),
  unsent: z.int(),
  is_known: z.boolean(),
});
export type UploadUsage = z.infer<typeof UsageRow>;

/** @returns undefined for a chat that the caller is not in */
export async function findUsage(
  sql: Sql,
  userId: number,
  chatId: number,
  clientId: string | null,
): Promise<UploadUsage | undefined> {
  return maybe(
    await sql`
      with me as materialized (
        select chat_id, user_id from chat_participants where chat_id = ${chatId} and user_id = ${userId}
      ),
      -- insertAttachment locks the counts, so that uploads at the same time do not exceed a limit together.
      begun as (
        insert into uploaded_bytes (day, scope, scope_id, bytes)
        select current_date, scope, scope_id, 0
        from me cross join lateral (values ('chat', me.chat_id), ('user', me.user_id)) counts (scope, scope_id)
        on conflict do nothing
      )
      select
        coalesce((
          select bytes from uploaded_bytes where day = current_date and scope = 'user' and scope_id = me.user_id
        ), 0) as user_bytes,
        coalesce((
          select bytes from uploaded_bytes where day = current_date and scope = 'chat' and scope_id = me.chat_id
        ), 0) as chat_bytes,
        (select count(*) from attachments where chat_id = me.chat_id and user_id = me.user_id and message_id is null) as unsent,
        exists (
          select from attachments where chat_id = me.chat_id and user_id = me.user_id and client_id = ${clientId}
        ) as is_known
      from me
    `,
    UsageRow,
  );
}

/** Finds a file of a chat by the hash of the bytes that were uploaded, a voice message or something else. @returns its id */
export async function findStoredFile(
  sql: Sql,
  chatId: number,
  uploadedSha256: Buffer,
  isVoice: boolean,
): Promise<number | undefined> {
  const row = maybe(
    await sql`
      select id from stored_files
      where chat_id = ${chatId} and uploaded_sha256 = ${uploadedSha256} and (kind = 'voice') = ${isVoice}
    `,
    z.object({ id: z.int() }),
  );
  return row?.id;
}

const ServedRow = z.object({
  name: z.string(),
  key: z.string(),
  kind: z.enum(["image", "voice", "audio", "video", "file"]),
  media_type: z.string(),
  size: z.int(),
  /** The hash in hexadecimal digits. */
  sha256: z.string(),
  thumbnails: z.array(z.object({ size: z.int(), length: z.int(), key: z.string() })),
});
export type ServedFile = z.infer<typeof ServedRow>;

/** Finds a file to be served. @returns undefined also for a chat that the person is not in */
export async function findServed(
  sql: Sql,
  userId: number,
  chatId: number,
  attachmentId: number,
): Promise<ServedFile | undefined> {
  return maybe(
    await sql`
      select a.name, f.key, f.kind, f.media_type, f.size, encode(f.sha256, 'hex') as sha256, f.thumbnails
      from chat_participants me
      join attachments a on a.chat_id = me.chat_id
      join stored_files f on f.id = a.file_id
      where me.chat_id = ${chatId} and me.user_id = ${userId} and a.id = ${attachmentId}
        and (a.message_id is not null or a.user_id = me.user_id)
    `,
    ServedRow,
  );
}

const DeletedRow = z.object({ is_sent: z.boolean() });

/**
 * Deletes a file that the caller has not sent. One that was sent stays.
 * @returns undefined for a chat that the caller is not in, and for a file that they cannot see
 */
export async function deleteUnsentAttachment(
  sql: Sql,
  userId: number,
  chatId: number,
  attachmentId: number,
): Promise<z.infer<typeof DeletedRow> | undefined> {
  return maybe(
    await sql`
      with target as materialized (
        select a.id, a.message_id is not null as is_sent
        from chat_participants me
        join attachments a on a.chat_id = me.chat_id
        where me.chat_id = ${chatId} and me.user_id = ${userId} and a.id = ${attachmentId}
          and (a.message_id is not null or a.user_id = me.user_id)
        for update of a
      ),
      gone as (
        delete from attachments where id in (select id from target where not is_sent)
      )
      select is_sent from target
    `,
    DeletedRow,
  );
}

const GalleryRow = z.union([
  z.object({
    message_id: z.int(),
    seq: z.int(),
    user_id: z.int().nullable(),
    created_at: Time,
    place: z.int(),
    attachment: Attachment,
  }),
  z.object({ message_id: z.null() }),
]);

/**
 * Finds the files of a chat's messages, newest messages first.
 * @param before a message and a place in it, which are excluded
 * @returns undefined for a chat that the caller is not in
 */
export async function findGallery(
  sql: Sql,
  userId: number,
  chatId: number,
  {
    kind,
    before,
    limit,
  }: { kind: AttachmentKind | undefined; before: [number, number] | undefined; limit: number },
): Promise<(GalleryItem & { place: number })[] | undefined> {
  const rows = many(
    await sql`
      select a.message_id, a.seq, a.user_id, a.created_at, a.place, a.attachment
      from chat_participants me
      left join lateral (
        select a.message_id, m.seq, m.user_id, m.created_at, a.place, ${sql.unsafe(attachmentJson)} as attachment
        from attachments a
        join messages m on m.id = a.message_id
        join stored_files f on f.id = a.file_id
        where a.chat_id = me.chat_id and a.message_id is not null
          ${kind === undefined ? sql`` : sql`and a.kind = ${kind}`}
          ${before === undefined ? sql`` : sql`and (a.message_id, a.place) < (${before[0]}, ${before[1]})`}
        order by a.message_id desc, a.place desc
        limit ${limit}
      ) a on true
      where me.chat_id = ${chatId} and me.user_id = ${userId}
      order by a.message_id desc, a.place desc
    `,
    GalleryRow,
  );
  if (rows.length === 0) return undefined;
  return rows.filter((row) => row.message_id !== null);
}
