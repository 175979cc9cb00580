// Storing the row of a file that was written.
import { z } from "zod";
import { insertEvent, type Actor, type AuditEvent } from "../audit/queries.ts";
import { maybe, type Sql } from "../database/connect.ts";
import { attachmentJson } from "../log/attachment-queries.ts";
import { Attachment } from "../wire/attachments.ts";
import type { Thumbnail } from "./images/decode.ts";

/** A file that is written. */
export interface NewFile {
  key: string;
  sha256: Buffer;
  size: number;
  mediaType: string;
  kind: "image" | "voice" | "audio" | "video" | "file";
  width: number | null;
  height: number | null;
  thumbnails: (Thumbnail & { key: string; length: number })[];
  blur: string | null;
  durationMs: number | null;
  waveform: number[] | null;
  /** Pages of a PDF, seconds of a voice message; null where they are not known. */
  units: number | null;
}

export interface NewAttachment {
  chatId: number;
  uploader: Actor;
  name: string;
  clientId: string | undefined;
  uploadedSha256: Buffer;
  /** Whether it is a voice message: the same bytes may be a file of the chat, too. */
  isVoice: boolean;
  /** Bytes that were uploaded, which count for the limits. */
  uploadedBytes: number;
  /** Bytes of a day; 0 for no limit. */
  limits: { user: number; chat: number };
  /** The file, if the chat has none with these bytes; undefined if it had one. */
  file: NewFile | undefined;
  /** The upload in parts that is completed by it. */
  uploadId: string | undefined;
}

const InsertedRow = z.object({
  outcome: z.enum([
    "stored",
    "known",
    "other",
    "upload_ended",
    "user_quota",
    "chat_quota",
    "late",
    "no_file",
  ]),
  attachment: Attachment.nullable(),
  /** Whether the new file was taken; false if the chat had the same bytes by now. */
  is_new: z.boolean(),
});
export type InsertedAttachment = z.infer<typeof InsertedRow>;

/**
 * Stores a row for a file that was written. `known`: the client id was used before, for the same bytes. These store nothing:
 * `other`: it was used for other bytes; `upload_ended`: another request has completed or cancelled the upload in parts; `user_quota`, `chat_quota`: the
 * day's bytes are used up; `late`: the written file was given up; `no_file`: the file that the chat had is gone by now.
 * @returns undefined for a chat that the uploader is not in
 */
export async function insertAttachment(
  sql: Sql,
  added: NewAttachment,
): Promise<InsertedAttachment | undefined> {
  const rows = await sql`
    with ${verdict(sql, added)}, ${writes(sql, added)}
    select outcome,
      coalesce((select ${sql.unsafe(attachmentJson)} from a cross join f), (select attachment from known)) as attachment,
      exists (select from made where key = ${added.file?.key ?? ""}) as is_new
    from verdict
  `;
  return maybe(rows, InsertedRow);
}

/** Decides in `verdict`, with the rows locked that the decision depends on. */
function verdict(sql: Sql, added: NewAttachment) {
  const { chatId, uploader, clientId = null, limits, file } = added;
  const keys = file ? [file.key, ...file.thumbnails.map(({ key }) => key)] : [];
  return sql`
    me as materialized (
      select chat_id, user_id from chat_participants
      where chat_id = ${chatId} and user_id = ${uploader.id}
      for key share
    ),
    known as materialized (
      select a.id, f.uploaded_sha256 = ${added.uploadedSha256} as is_same, ${sql.unsafe(attachmentJson)} as attachment
      from attachments a
      join stored_files f on f.id = a.file_id
      where a.chat_id = ${chatId} and a.user_id = ${uploader.id} and a.client_id = ${clientId}
    ),
    -- Of two requests that complete or cancel an upload, the later one waits, and reads what the first has stored.
    upload as materialized (
      select attachment_id from uploads where id = ${added.uploadId ?? null}::uuid for update
    ),
    -- In the same order in all statements, so that two never wait for each other.
    used as materialized (
      select scope, bytes from uploaded_bytes
      where day = current_date
        and ((scope = 'chat' and scope_id = ${chatId}) or (scope = 'user' and scope_id = ${uploader.id}))
      order by scope, scope_id
      for update
    ),
    pending as materialized (
      select key from file_removals where key = any (${keys}::text[]) and is_pending order by key for update
    ),
    present as materialized (
      select id from stored_files
      where chat_id = ${chatId} and uploaded_sha256 = ${added.uploadedSha256} and (kind = 'voice') = ${added.isVoice}
        and ${file === undefined}
      for key share
    ),
    verdict as materialized (
      select case
        when ${added.uploadId !== undefined} and not exists (select from upload where attachment_id is null)
          then 'upload_ended'
        when exists (select from known where is_same) then 'known'
        when exists (select from known) then 'other'
        when ${isAbove(sql, "user", limits.user, added.uploadedBytes)} then 'user_quota'
        when ${isAbove(sql, "chat", limits.chat, added.uploadedBytes)} then 'chat_quota'
        when (select count(*) from pending) < ${keys.length} then 'late'
        when ${file === undefined} and not exists (select from present) then 'no_file'
        else 'stored'
      end as outcome
      from me
    )
  `;
}

/** Stores the file and its attachment, as `f` and `a`, if that is the verdict. */
function writes(sql: Sql, added: NewAttachment) {
  const { chatId, uploader, clientId = null, file } = added;
  const audited: AuditEvent = {
    action: "upload_file",
    outcome: "ok",
    actor: uploader,
    target: `chat:${chatId}`,
    details: sql`jsonb_build_object(
      'attachment_id', a.id, 'bytes', ${added.uploadedBytes}::bigint, 'sha256', ${added.uploadedSha256.toString("hex")}::text
    )`,
    source: uploader.source,
  };
  return sql`
    made as (
      insert into stored_files (
        chat_id, uploaded_sha256, key, sha256, size, media_type, kind, width, height, thumbnails, blur, duration_ms,
        waveform, units
      )
      select ${chatId}, ${added.uploadedSha256}, ${file?.key ?? ""}, ${file?.sha256 ?? Buffer.alloc(0)}::bytea,
        ${file?.size ?? 0}::bigint, ${file?.mediaType ?? ""}, ${file?.kind ?? "file"}, ${file?.width ?? null}::int,
        ${file?.height ?? null}::int, ${JSON.stringify(file?.thumbnails ?? [])}::text::json, ${file?.blur ?? null}::text,
        ${file?.durationMs ?? null}::int, ${file?.waveform ? JSON.stringify(file.waveform) : null}::text::json,
        ${file?.units ?? null}::int
      from verdict
      where outcome = 'stored' and ${file !== undefined}
      on conflict (chat_id, uploaded_sha256, (kind = 'voice')) do update set created_at = stored_files.created_at
      returning id, key, media_type, kind, sha256, size, width, height, thumbnails, blur, duration_ms, waveform
    ),
    f as materialized (
      select id, key, media_type, kind, sha256, size, width, height, thumbnails, blur, duration_ms, waveform from made
      union all
      select s.id, s.key, s.media_type, s.kind, s.sha256, s.size, s.width, s.height, s.thumbnails, s.blur,
        s.duration_ms, s.waveform
      from stored_files s
      join present on present.id = s.id
      join verdict on outcome = 'stored'
    ),
    kept as (
      delete from file_removals where key in (select key from pending) and exists (select from made where key = ${file?.key ?? ""})
    ),
    a as (
      insert into attachments (chat_id, user_id, file_id, client_id, name, kind)
      select ${chatId}, ${uploader.id}, f.id, ${clientId}, ${added.name}, f.kind from f
      returning id, chat_id, name, kind, transcript, text_at
    ),
    counted as (
      insert into uploaded_bytes (day, scope, scope_id, bytes)
      select current_date, scope, scope_id, ${added.uploadedBytes}::bigint
      from a cross join (values ('chat', ${chatId}::bigint), ('user', ${uploader.id}::bigint)) counts (scope, scope_id)
      on conflict (day, scope, scope_id) do update set bytes = uploaded_bytes.bytes + excluded.bytes
    ),
    completed as (
      update uploads set attachment_id = coalesce((select id from a), (select id from known where is_same))
      where id = ${added.uploadId ?? null}::uuid and (select outcome from verdict) in ('stored', 'known')
    ),
    joined as (
      delete from upload_parts where upload_id = ${added.uploadId ?? null}::uuid
        and (exists (select from a) or exists (select from known where is_same))
    ),
    audited as (${insertEvent(sql, audited, sql`from a`)})
  `;
}

/** Whether more bytes of a scope exceed its limit of a day. */
const isAbove = (sql: Sql, scope: "user" | "chat", limit: number, bytes: number) =>
  limit === 0
    ? sql`false`
    : sql`coalesce((select used.bytes from used where scope = ${scope}), 0) + ${bytes}::bigint > ${limit}::bigint`;
