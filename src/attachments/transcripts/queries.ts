// The voice messages that are to be transcribed. A trigger notes each that is sent.
import { z } from "zod";
import { many, maybe, type Sql } from "../../database/connect.ts";
import { attachmentJson } from "../../log/attachment-queries.ts";
import { messageColumns, storedColumns } from "../../log/messages.ts";
import { ChatSettings } from "../../wire/chats.ts";
import { Message } from "../../wire/messages.ts";

const Transcription = z.object({
  attachment_id: z.int(),
  chat_id: z.int(),
  /** How often a server has taken it, this time included: a server that takes it again ends the right of the one before. */
  attempts: z.int(),
  /** Null: the sender's account was deleted. */
  user_id: z.int().nullable(),
  key: z.string(),
  media_type: z.string(),
  size: z.int(),
  duration_ms: z.int(),
  settings: ChatSettings,
});
export type Transcription = z.infer<typeof Transcription>;

/** Takes voice messages that are due. Other servers leave them alone for `leaseSeconds`; after a crash they are due again then. */
export async function takeTranscriptions(
  sql: Sql,
  { limit, leaseSeconds }: { limit: number; leaseSeconds: number },
): Promise<Transcription[]> {
  return many(
    await sql`
      with taken as (
        update transcriptions t
        set attempts = t.attempts + 1, due_at = now() + ${leaseSeconds} * interval '1 second'
        where t.attachment_id in (
          select attachment_id from transcriptions where due_at <= now()
          order by due_at limit ${limit} for update skip locked
        )
        returning t.attachment_id, t.chat_id, t.attempts
      )
      select taken.attachment_id, taken.chat_id, taken.attempts, a.user_id, f.key, f.media_type, f.size, f.duration_ms, c.settings
      from taken
      join attachments a on a.id = taken.attachment_id
      join stored_files f on f.id = a.file_id
      join chats c on c.id = taken.chat_id
    `,
    Transcription,
  );
}

type Taken = Pick<Transcription, "attachment_id" | "attempts">;

/** Has a voice message taken again later. */
export async function postponeTranscription(
  sql: Sql,
  { attachment_id: id, attempts }: Taken,
  afterSeconds: number,
): Promise<void> {
  await sql`
    update transcriptions set due_at = now() + ${afterSeconds} * interval '1 second'
    where attachment_id = ${id} and attempts = ${attempts}
  `;
}

/** Gives a voice message up, or notes that nothing is said in it. */
export async function dropTranscription(
  sql: Sql,
  { attachment_id: id, attempts }: Taken,
): Promise<void> {
  await sql`delete from transcriptions where attachment_id = ${id} and attempts = ${attempts}`;
}

/** Drops voice messages that nobody can transcribe, because there is no model. @returns how many */
export async function dropDueTranscriptions(sql: Sql, limit: number): Promise<number> {
  const rows = await sql`
    delete from transcriptions where attachment_id in (
      select attachment_id from transcriptions where due_at <= now() order by due_at limit ${limit} for update skip locked
    )
    returning attachment_id
  `;
  return rows.length;
}

/**
 * Stores a transcript, and shows it in the message, which takes the chat's next number. Nothing is stored if another server has taken
 * the voice message meanwhile, or the message was deleted.
 * @returns the message as it is now; undefined if nothing was stored
 */
export async function storeTranscript(
  sql: Sql,
  { attachment_id: id, attempts, chat_id: chatId }: Taken & Pick<Transcription, "chat_id">,
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
        join transcriptions t on t.attachment_id = ${id} and t.attempts = ${attempts}
        join messages m on m.id = t.message_id and m.chat_id = locked.id
        where m.deleted_at is null
        for no key update of m
      ),
      done as (
        delete from transcriptions t using target where t.attachment_id = ${id} and t.attempts = ${attempts} returning t.message_id
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
