// The messages and settings that a prompt is made from, and the receipt of them.
import { z } from "zod";
import { many, maybe, withoutWaiting, type Fragment, type Sql } from "../../database/connect.ts";
import { ChatSettings } from "../../wire/chats.ts";
import { Usage } from "../../wire/messages.ts";
import { AnswerContext } from "../../wire/answers.ts";
import type { Lease } from "../budget/queries.ts";

export const PastMessage = z.object({
  id: z.int(),
  seq: z.int(),
  updated_seq: z.int(),
  ordinal: z.int(),
  username: z.string(),
  content: z.string(),
  is_bot: z.boolean(),
});
/** A message as a prompt needs it. */
export type PastMessage = z.infer<typeof PastMessage>;

interface PastRange {
  upToSeq: number;
  limit: number;
  bytesMax: number | undefined;
}

/** @param chatId the id of the chat, as SQL */
const newestFirst = (sql: Sql, chatId: Fragment, { upToSeq, limit, bytesMax }: PastRange) => sql`
  select m.id, m.seq, m.updated_seq, m.ordinal, coalesce(u.username, '') as username, m.content, m.is_bot
  from (
    select id, seq, updated_seq, ordinal, user_id, content, is_bot,
      sum(octet_length(content)) over (order by seq desc) as bytes
    from (
      select id, seq, updated_seq, ordinal, user_id, content, is_bot
      from messages
      where chat_id = ${chatId} and seq <= ${upToSeq} and status <> 'streaming' and content <> ''
      order by seq desc
      limit ${limit}
    ) newest
  ) m
  left join users u on u.id = m.user_id
  where ${bytesMax ?? null}::bigint is null or m.bytes <= ${bytesMax ?? null} or m.bytes = octet_length(m.content)
  order by m.seq desc
`;

/**
 * The newest messages of a chat up to a number, oldest first, without answers that have no text: at most `limit`, and
 * none whose text, with those of all that are newer, exceeds `bytesMax`. The newest is always there.
 */
export async function findPastMessages(
  sql: Sql,
  chatId: number,
  range: PastRange,
): Promise<PastMessage[]> {
  return many(await newestFirst(sql, sql`${chatId}`, range), PastMessage).reverse();
}

/** Finds the message that a question replies to. @returns undefined when it was deleted, or is an answer without text */
export async function findRepliedTo(
  sql: Sql,
  chatId: number,
  messageId: number,
): Promise<PastMessage | undefined> {
  return maybe(
    await sql`
      select m.id, m.seq, m.updated_seq, m.ordinal, coalesce(u.username, '') as username, m.content, m.is_bot
      from messages m
      left join users u on u.id = m.user_id
      where m.id = ${messageId} and m.chat_id = ${chatId} and m.deleted_at is null and m.content <> ''
    `,
    PastMessage,
  );
}

const PromptRoom = z.object({
  id: z.int(),
  name: z.string(),
  settings: ChatSettings,
  is_ai_chat: z.boolean(),
  revision: z.int(),
  token_ratio: z.number(),
  summary_id: z.int().nullable(),
  summary_up_to_seq: z.int().nullable(),
  summary: z.string().nullable(),
});
/** A room as a prompt needs it: with its newest summary and the correction of its token estimates. */
export type PromptRoom = z.infer<typeof PromptRoom>;

const roomColumns = (sql: Sql) => sql`
  c.id, c.name, c.settings, c.is_ai_chat, c.revision, coalesce(b.token_ratio, 1) as token_ratio,
  s.id as summary_id, s.up_to_seq as summary_up_to_seq, s.content as summary
`;

const roomTables = (sql: Sql, upToSeq: number) => sql`
  chats c
  left join budgets b on b.kind = 'chat' and b.id = c.id
  left join lateral (
    select id, up_to_seq, content from chat_summaries
    where chat_id = c.id and up_to_seq < ${upToSeq}
    order by up_to_seq desc
    limit 1
  ) s on true
`;

/**
 * Finds a room for the server itself, which acts without a person.
 * @param upToSeq a summary must not reach beyond it
 * @returns undefined for a chat that is gone
 */
export async function findPromptRoom(
  sql: Sql,
  chatId: number,
  upToSeq: number,
): Promise<PromptRoom | undefined> {
  return maybe(
    await sql`select ${roomColumns(sql)} from ${roomTables(sql, upToSeq)} where c.id = ${chatId}`,
    PromptRoom,
  );
}

const RoomWithPast = z.object({
  ...PromptRoom.shape,
  past: z.array(PastMessage),
  is_known: z.boolean(),
});

/**
 * Finds a room and the messages of {@link findPastMessages} in one statement: both are of the same moment, and somebody waits
 * for the first word of the answer.
 * @param clientId `isKnown` tells whether the caller has sent a message with it before
 * @returns undefined for a chat that is gone, or that the caller is not in
 */
export async function findRoomWithPast(
  sql: Sql,
  callerId: number,
  chatId: number,
  range: PastRange,
  clientId?: string,
): Promise<{ room: PromptRoom; past: PastMessage[]; isKnown: boolean } | undefined> {
  const row = maybe(
    await sql`
      select ${roomColumns(sql)},
        (
          select coalesce(json_agg(m order by m.seq), '[]') from (${newestFirst(sql, sql`c.id`, range)}) m
        ) as past,
        exists (
          select from messages where chat_id = c.id and user_id = me.user_id and client_id = ${clientId ?? null}::text
        ) as is_known
      from ${roomTables(sql, range.upToSeq)}
      join chat_participants me on me.chat_id = c.id and me.user_id = ${callerId}
      where c.id = ${chatId}
    `,
    RoomWithPast,
  );
  if (!row) return undefined;
  const { past, is_known: isKnown, ...room } = row;
  return { room, past, isKnown };
}

/** The messages and settings that an answer is made from. */
export interface Receipt {
  model: string;
  settings: ChatSettings;
  messages: { id: number; updated_seq: number }[];
  summary: { id: number; up_to_seq: number } | undefined;
  estimatedTokens: number;
}

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
      (message_id, model, settings, message_ids, message_versions, summary_id, summary_up_to_seq, estimated_tokens)
    select id, ${receipt.model}, ${sql.json({ ...receipt.settings })}::jsonb,
      ${receipt.messages.map(({ id }) => id)}::bigint[],
      ${receipt.messages.map(({ updated_seq }) => updated_seq)}::bigint[],
      ${receipt.summary?.id ?? null}::bigint, ${receipt.summary?.up_to_seq ?? null}::bigint,
      ${receipt.estimatedTokens}
    from messages
    where id = ${messageId}
    on conflict (message_id) do nothing
    returning ${withoutWaiting(sql)}
  `;
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
