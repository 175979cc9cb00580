// The recordings of voice messages, and their transcripts.
import { z } from "zod";
import { maybe, type Sql } from "../../database/connect.ts";
import type { JobRun } from "../../jobs/jobs.ts";
import { attachmentJson } from "../../log/attachment-queries.ts";
import { messageColumns, storedColumns } from "../../log/messages.ts";
import { ChatSettings } from "../../wire/chats.ts";
import { Message } from "../../wire/messages.ts";

const Recording = z.object({
  chat_id: z.int(),
  /** Null: the sender's account was deleted. */
  user_id: z.int().nullable(),
  key: z.string(),
  media_type: z.string(),
  size: z.int(),
  duration_ms: z.int(),
  settings: ChatSettings,
});
export type Recording = z.infer<typeof Recording>;

/** The place of a voice message. */
export interface VoiceMessage {
  readonly attachment_id: number;
  readonly chat_id: number;
  readonly message_id: number;
}

/** Finds the recording of a voice message. @returns undefined if it was deleted */
export async function findRecording(
  sql: Sql,
  { attachment_id: id, chat_id: chatId }: VoiceMessage,
): Promise<Recording | undefined> {
  return maybe(
    await sql`
      select a.chat_id, a.user_id, f.key, f.media_type, f.size, f.duration_ms, c.settings
      from attachments a
      join stored_files f on f.id = a.file_id
      join chats c on c.id = a.chat_id
      where a.id = ${id} and a.chat_id = ${chatId}
    `,
    Recording,
  );
}

/**
 * Stores a transcript, and shows it in the message, which takes the chat's next number. Nothing is stored if another server has taken
 * the job meanwhile, or the message was deleted.
 * @returns the message as it is now; undefined if nothing was stored
 */
export async function storeTranscript(
  sql: Sql,
  { attachment_id: id, chat_id: chatId, message_id: messageId }: VoiceMessage,
  { id: jobId, attempts }: Pick<JobRun, "id" | "attempts">,
  transcript: string,
): Promise<Message | undefined> {
  return maybe(
    await sql`
      with locked as materialized (
        select id, last_seq from chats where id = ${chatId} for no key update
      ),
      -- The message is locked before its files, as by its deletion.
      target as materialized (
        select m.id
        from locked
        join messages m on m.id = ${messageId} and m.chat_id = locked.id
        where m.deleted_at is null
        for no key update of m
      ),
      done as (
        delete from jobs using target where jobs.id = ${jobId} and jobs.attempts = ${attempts} returning target.id as message_id
      ),
      written as (
        update attachments set transcript = ${transcript} from done where attachments.id = ${id}
        returning attachments.id
      ),
      shown as materialized (
        select json_agg(${sql.unsafe(attachmentJson)} order by a.place) as files
        from done
        join lateral (
          select id, chat_id, name, kind, text_at, file_id, place,
            case when id = ${id} then ${transcript} else transcript end as transcript
          from attachments
          where chat_id = ${chatId} and message_id = done.message_id
        ) a on exists (select from written)
        join stored_files f on f.id = a.file_id
      ),
      changed as (
        update messages m
        set attachments = shown.files, updated_seq = locked.last_seq + 1, content_seq = locked.last_seq + 1
        from done, shown, locked
        where m.id = done.message_id and shown.files is not null
        returning ${storedColumns(sql, "m")}
      ),
      moved as (
        update chats set last_seq = changed.updated_seq from changed where chats.id = changed.chat_id
      ),
      noted as (
        insert into chat_changes (chat_id, seq, kind, message_id)
        select chat_id, updated_seq, 'message_updated', id from changed
      )
      select ${messageColumns(sql)}
      from changed m
      left join users u on u.id = m.user_id
    `,
    Message,
  );
}
