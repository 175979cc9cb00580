// An answer's message and its run, from the first chunk to the end. A server that has lost the lease writes nothing.
import { z } from "zod";
import { databaseError, maybe, ownProcess, withoutWaiting, type Sql } from "../database/connect.ts";
import type { EndedAnswer } from "../wire/message-frames.ts";
import { Message, Usage } from "../wire/messages.ts";
import { attachmentJson } from "../log/attachment-queries.ts";
import { messageColumns, storedColumns } from "../log/messages.ts";
import { pushOfEndedAnswer } from "../log/push-jobs.ts";
import type { AnswerEnd, EndedStatus } from "./answer-end.ts";
import { leaseSeconds } from "./budget/abandoned-runs.ts";
import { settledRun, type Lease } from "./budget/queries.ts";

const Checkpointed = z.object({ stop_requested: z.boolean(), has_message: z.boolean() });

/**
 * Stores an answer's text so far and its usage, and renews its lease.
 * @param text undefined when it has not changed
 * @param leaseEnds lets another server take the run over at once
 * @returns undefined when another server has the run, or it has ended
 */
export async function checkpointAnswer(
  sql: Sql,
  lease: Lease,
  { text, usage, leaseEnds }: { text: string | undefined; usage: Usage; leaseEnds: boolean },
): Promise<z.infer<typeof Checkpointed> | undefined> {
  return maybe(
    await sql`
      with run as (
        update answer_runs
        set usage = ${sql.json({ ...usage })}::jsonb,
            lease_expires_at = now() + ${leaseEnds ? -1 : leaseSeconds} * interval '1 second',
            holder_pid = ${ownProcess(sql)}
        where id = ${lease.id} and attempt = ${lease.attempt}
        returning message_id, chat_id, stop_requested
      ),
      kept as (
        update messages set content = ${text ?? null}::text
        from run
        where messages.chat_id = run.chat_id and messages.id = run.message_id and status = 'streaming'
          and ${text !== undefined}
      )
      select stop_requested, exists (
          select from messages m join chats c on c.id = m.chat_id
          where m.chat_id = run.chat_id and m.id = run.message_id
        ) as has_message,
        ${withoutWaiting(sql)}
      from run
    `,
    Checkpointed,
  );
}

const EndedRow = z.object({ ...Message.shape, usage: Usage.nullable() });

export interface EndDetails {
  /** Undefined keeps the text that is stored. */
  content?: string;
  /** The model's count, which is shown; undefined if it did not count. */
  usage?: Usage | undefined;
  charged: Usage;
  /** The estimate for the prompt that `usage` counts. */
  estimatedPromptTokens?: number | undefined;
  firstChunkMs?: number | undefined;
  totalMs?: number;
}

/**
 * Brings a streaming answer to its end, takes the chat's next number and settles its run. Only the first call does.
 * @returns undefined when the answer had ended before, another server has it, or it is gone
 */
export async function endAnswer(
  sql: Sql,
  { chatId, lease }: { chatId: number; lease: Lease },
  end: AnswerEnd<EndedStatus>,
  details: EndDetails,
): Promise<EndedAnswer | undefined> {
  const { content, usage, charged, estimatedPromptTokens, firstChunkMs, totalMs } = details;
  const row = maybe(
    await sql`
      with locked as materialized (
        select c.id, c.last_seq from chats c where c.id = ${chatId} for no key update
      ),
      ${settledRun(sql, lease, { usage: charged, estimatedPromptTokens })},
      m as (
        update messages
        set content = coalesce(${content ?? null}::text, content),
            status = ${end.status},
            usage = ${usage ? sql.json({ ...usage }) : null}::jsonb,
            error = ${end.error ?? null}::text,
            sources = ${end.sources ? sql.json(end.sources.map((source) => ({ ...source }))) : null}::jsonb,
            attachments = coalesce((
              select json_agg(${sql.unsafe(attachmentJson)} order by a.place)
              from attachments a
              join stored_files f on f.id = a.file_id
              where a.chat_id = messages.chat_id and a.message_id = messages.id
            ), '[]'),
            updated_seq = locked.last_seq + 1,
            content_seq = locked.last_seq + 1
        from locked, run
        where messages.chat_id = locked.id and messages.id = run.message_id and messages.status = 'streaming'
        returning ${storedColumns(sql, "messages")}, messages.usage
      ),
      moved as (
        update chats set last_seq = m.updated_seq from m where chats.id = m.chat_id
      ),
      change as (
        insert into chat_changes (chat_id, seq, kind, message_id)
        select chat_id, updated_seq, 'answer_ended', id from m
      ),
      pushed as (${pushOfEndedAnswer(sql)}),
      timed as (
        update answer_receipts r
        set first_chunk_ms = ${firstChunkMs ?? null}::int, total_ms = ${totalMs ?? null}::int
        from m
        where r.message_id = m.id
      )
      select ${messageColumns(sql)}, m.usage
      from m
      left join users u on u.id = m.user_id
    `,
    EndedRow,
  );
  if (!row) return undefined;
  return endedAnswer(row);
}

function endedAnswer({ usage, ...message }: z.infer<typeof EndedRow>): EndedAnswer {
  return { message, usage };
}

/**
 * Finds an answer with the number of its end as its `updated_seq`; later changes have raised that of the message.
 * @returns undefined for an answer that still streams, or is gone
 */
export async function findEndedAnswer(
  sql: Sql,
  messageId: number,
): Promise<EndedAnswer | undefined> {
  const row = maybe(
    await sql`
      select ${messageColumns(sql)}, ended.seq as ended_seq, m.usage
      from messages m
      join chats c on c.id = m.chat_id
      join chat_changes ended on ended.message_id = m.id and ended.kind = 'answer_ended'
      left join users u on u.id = m.user_id
      where m.id = ${messageId} and m.status <> 'streaming'
    `,
    EndedRow.extend({ ended_seq: z.int() }),
  );
  if (!row) return undefined;
  const { ended_seq: updated_seq, ...answer } = row;
  return endedAnswer({ ...answer, updated_seq });
}

/** The chat's row is there also when no answer was stored: `id` is null then. */
const InsertedAnswer = z.union([
  Message,
  z.object({ id: z.null(), is_deleted: z.boolean().nullable() }),
]);

/**
 * Stores one more empty, streaming answer to a question, and takes the chat's next number.
 * @returns undefined for a chat that the caller is not in, `running` while there is an answer that streams, `late` when the
 * run has ended while this waited, `deleted` when the question was deleted
 */
export async function insertAnswer(
  sql: Sql,
  callerId: number,
  question: Message,
  runId: number,
): Promise<Message | "running" | "late" | "deleted" | undefined> {
  const insert = sql`
    with locked as materialized (
      select c.id, c.last_seq, c.message_count
      from chats c
      join chat_participants me on me.chat_id = c.id and me.user_id = ${callerId}
      where c.id = ${question.chat_id}
      for no key update of c
      for key share of me
    ),
    run as materialized (
      select id from answer_runs where id = ${runId} and attempt = 1 for no key update
    ),
    -- The row is locked, because a plain read would miss a deletion that the statement has waited for.
    question as materialized (
      select q.id, q.deleted_at is not null as is_deleted
      from locked join messages q on q.chat_id = locked.id and q.id = ${question.id}
      for share of q
    ),
    m as (
      insert into messages (chat_id, content, is_bot, seq, updated_seq, ordinal, status, answer_to)
      select id, '', true, last_seq + 1, last_seq + 1, message_count + 1, 'streaming', ${question.id}
      from locked
      where exists (select from run) and not exists (select from question where is_deleted)
      returning ${storedColumns(sql)}
    ),
    linked as (
      update answer_runs
      set message_id = m.id, lease_expires_at = now() + ${leaseSeconds} * interval '1 second',
        holder_pid = ${ownProcess(sql)}
      from m
      where answer_runs.id = ${runId}
    ),
    moved as (
      update chats set last_seq = m.seq, message_count = chats.message_count + 1 from m where chats.id = m.chat_id
    )
    select ${messageColumns(sql)}, question.is_deleted
    from locked
    left join question on true
    left join m on true
    left join users u on u.id = m.user_id
  `;
  try {
    const row = maybe(await insert, InsertedAnswer);
    if (row?.id === null) return row.is_deleted ? "deleted" : "late";
    return row;
  } catch (error) {
    if (databaseError(error)?.constraint === "messages_running_answer_key") return "running";
    throw error;
  }
}

/** Whether an answer has not come to its end. */
export async function isStreaming(sql: Sql, messageId: number): Promise<boolean> {
  const rows = await sql`select from messages where id = ${messageId} and status = 'streaming'`;
  return rows.length > 0;
}

const StreamingAnswer = z.object({ answer: Message, question: Message });

/** Finds a streaming answer and its question, for recovery. @returns undefined when the answer has ended or is gone */
export async function findStreamingAnswer(
  sql: Sql,
  messageId: number,
): Promise<z.infer<typeof StreamingAnswer> | undefined> {
  const rows = await sql`
    select ${messageColumns(sql)}
    from messages m
    join chats c on c.id = m.chat_id
    left join users u on u.id = m.user_id
    where m.id = ${messageId} and m.status = 'streaming'
      or m.id = (select answer_to from messages where id = ${messageId} and status = 'streaming')
    order by m.seq desc
  `;
  const [answer, question] = rows;
  return maybe(question ? [{ answer, question }] : [], StreamingAnswer);
}
