// The receipts of prompts: the messages, files and settings that answers were made from.
import { maybe, withoutWaiting, type Sql } from "../../database/connect.ts";
import { AnswerContext } from "../../wire/answers.ts";
import type { ChatSettings } from "../../wire/chats.ts";
import type { Usage } from "../../wire/messages.ts";
import type { Lease } from "../budget/queries.ts";

/** The messages and settings that an answer is made from. */
export interface Receipt {
  model: string;
  settings: ChatSettings;
  messages: { id: number; updated_seq: number }[];
  summary: { id: number; up_to_seq: number } | undefined;
  estimatedTokens: number;
  files: ReceiptFile[];
}

/** A file of a prompt. `reason`: why the model could not read it. */
export interface ReceiptFile {
  attachment_id: number;
  message_id: number;
  reason: string | null;
}

const filesJson = (sql: Sql, files: readonly ReceiptFile[]) =>
  sql.json(files.map((file) => ({ ...file })));

/** Stores the receipt of an answer, and charges its run for the prompt. The first receipt of an answer stays. */
export async function insertReceipt(
  sql: Sql,
  messageId: number,
  lease: Lease,
  { receipt, usage }: { receipt: Receipt; usage: Usage },
): Promise<void> {
  await sql`
    with charged as (
      update answer_runs set usage = ${sql.json({ ...usage })}::jsonb
      where id = ${lease.id} and attempt = ${lease.attempt}
    )
    insert into answer_receipts
      (message_id, model, settings, message_ids, message_versions, summary_id, summary_up_to_seq, estimated_tokens, files)
    select id, ${receipt.model}, ${sql.json({ ...receipt.settings })}::jsonb,
      ${receipt.messages.map(({ id }) => id)}::bigint[],
      ${receipt.messages.map(({ updated_seq }) => updated_seq)}::bigint[],
      ${receipt.summary?.id ?? null}::bigint, ${receipt.summary?.up_to_seq ?? null}::bigint,
      ${receipt.estimatedTokens}, ${filesJson(sql, receipt.files)}::jsonb
    from messages
    where id = ${messageId}
    on conflict (message_id) do nothing
    returning ${withoutWaiting(sql)}
  `;
}

/** Replaces the files of a receipt, because the model could not read some after all. */
export async function updateReceiptFiles(
  sql: Sql,
  messageId: number,
  files: readonly ReceiptFile[],
): Promise<void> {
  await sql`update answer_receipts set files = ${filesJson(sql, files)}::jsonb where message_id = ${messageId}`;
}

/** @returns undefined for a message that is no answer of the model, or a chat that the caller is not in */
export async function findAnswerContext(
  sql: Sql,
  callerId: number,
  chatId: number,
  messageId: number,
): Promise<AnswerContext | undefined> {
  return maybe(
    await sql`
      select m.id as message_id, m.answer_to as question_id, r.model, r.settings,
        source.messages,
        case when r.summary_id is not null then jsonb_build_object(
          'up_to_seq', r.summary_up_to_seq,
          'changed', not exists (select from chat_summaries where id = r.summary_id)
        ) end as summary,
        (
          select coalesce(jsonb_agg(jsonb_build_object(
            'attachment_id', used.file -> 'attachment_id',
            'message_id', used.file -> 'message_id',
            'name', a.name,
            'media_type', f.media_type,
            'was_read', used.file ->> 'reason' is null,
            'reason', used.file -> 'reason'
          ) order by used.place), '[]')
          from jsonb_array_elements(r.files) with ordinality as used (file, place)
          left join attachments a on a.id = (used.file -> 'attachment_id')::bigint and a.chat_id = me.chat_id
            and a.message_id = (used.file -> 'message_id')::bigint
          left join stored_files f on f.id = a.file_id
        ) as files,
        m.usage, r.first_chunk_ms, r.total_ms,
        source.changed or (
          r.summary_id is not null and not exists (select from chat_summaries where id = r.summary_id)
        ) as changed
      from chat_participants me
      join messages m on m.chat_id = me.chat_id
      join answer_receipts r on r.message_id = m.id
      cross join lateral (
        select
          coalesce(jsonb_agg(jsonb_build_object(
            'id', used.id,
            'updated_seq', used.version,
            'changed', used.changed
          ) order by used.position), '[]') as messages,
          coalesce(bool_or(used.changed), false) as changed
        from (
          select given.id, given.version, given.position, now.id is null or now.content_seq > given.version is true as changed
          from unnest(r.message_ids, r.message_versions) with ordinality as given (id, version, position)
          left join messages now on now.id = given.id
        ) used
      ) source
      where me.chat_id = ${chatId} and me.user_id = ${callerId} and m.id = ${messageId}
    `,
    AnswerContext,
  );
}
