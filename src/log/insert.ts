// The group commit of new messages.
import { z } from "zod";
import { databaseError, many, type Sql } from "../database/connect.ts";
import { botUsername, type Message } from "../wire/messages.ts";
import { newMessage } from "./messages.ts";

export interface NewMessage {
  chatId: number;
  userId: number;
  username: string;
  content: string;
  clientId: string | undefined;
  /** The run that will answer the message: an empty answer is stored with it. */
  runId: number | undefined;
}

export interface InsertOptions {
  /** Seconds from the storing of an answer within which its server must renew the lease. */
  leaseSeconds: number;
}

/**
 * `stranger`: the sender is not in the chat. `must_ask`: every message of an AI chat needs a run, and this one has none.
 * `late`: its run has ended while it waited. These store nothing. `known`: the client id had been used before, and `message` is that first message.
 */
export type InsertedMessage =
  | { outcome: "sent"; message: Message; answer: Message | undefined }
  | { outcome: "known"; message: Message }
  | { outcome: "stranger" }
  | { outcome: "must_ask" }
  | { outcome: "late" };

const stored = {
  n: z.int(),
  id: z.int(),
  seq: z.int(),
  updated_seq: z.int(),
  content: z.string(),
  created_at: z.string(),
};
const InsertedRow = z.discriminatedUnion("outcome", [
  z.object({
    ...stored,
    outcome: z.literal("sent"),
    answer_id: z.int().nullable(),
    answer_seq: z.int().nullable(),
  }),
  z.object({ ...stored, outcome: z.literal("known") }),
  z.object({ n: z.int(), outcome: z.literal("must_ask") }),
  z.object({ n: z.int(), outcome: z.literal("late") }),
]);
type InsertedRow = z.infer<typeof InsertedRow>;

/**
 * Stores messages of any chats and senders in one statement, in the order given. Chats are locked in the order of their
 * ids, so that two servers never deadlock, and the numbers of a chat continue from its locked row. The membership is a row
 * lock, so that nobody writes after a removal that was committed before. A question and its empty, streaming answer are
 * stored together, so that the answer has a message that can always be brought to its end.
 *
 * If two statements with the same client id run at the same time (on two servers, or when a connection broke and the message
 * was sent again), the later one fails on messages_client_id_key, because its snapshot is older than the first commit.
 */
export async function insertMessages(
  sql: Sql,
  items: NewMessage[],
  options: InsertOptions,
): Promise<InsertedMessage[]> {
  const firstWith = new Map<string, number>();
  const firsts = items.map((item, index) => {
    if (item.clientId === undefined) return index;
    // In an AI chat the same content may come as a plain message, which is refused, and as a question.
    const key = `${item.chatId} ${item.userId} ${item.runId !== undefined} ${item.clientId}`;
    return firstWith.getOrInsert(key, index);
  });
  const rows = await insertDistinct(
    sql,
    items.filter((_, index) => firsts[index] === index),
    options,
  );
  let next = 0;
  const outcomes: InsertedMessage[] = [];
  items.forEach((item, index) => {
    const first = firsts[index] ?? index;
    if (first === index) {
      next += 1;
      outcomes.push(outcomeOf(item, rows.get(next)));
    } else {
      const outcome = outcomes[first] ?? { outcome: "stranger" };
      outcomes.push(
        outcome.outcome === "sent" ? { outcome: "known", message: outcome.message } : outcome,
      );
    }
  });
  return outcomes;
}

async function insertDistinct(
  sql: Sql,
  items: NewMessage[],
  options: InsertOptions,
): Promise<Map<number, InsertedRow>> {
  const insert = () => insertOnce(sql, items, options);
  const rows = await insert().catch((error: unknown) => {
    if (databaseError(error)?.constraint !== "messages_client_id_key") throw error;
    // The first message has been committed meanwhile: a second try finds it.
    return insert();
  });
  return new Map(many(rows, InsertedRow).map((row) => [row.n, row]));
}

async function insertOnce(
  sql: Sql,
  items: NewMessage[],
  { leaseSeconds }: InsertOptions,
): Promise<readonly unknown[]> {
  return await sql`
    with input as materialized (
      select n, chat_id, user_id, content, client_id, run_id, run_id is not null as asks
      from unnest(
        ${items.map((item) => item.chatId)}::bigint[],
        ${items.map((item) => item.userId)}::bigint[],
        ${items.map((item) => item.content)}::text[],
        ${items.map((item) => item.clientId ?? null)}::text[],
        ${items.map((item) => item.runId ?? null)}::bigint[]
      ) with ordinality as t (chat_id, user_id, content, client_id, run_id, n)
    ),
    locked as materialized (
      select id, last_seq, message_count, is_ai_chat
      from chats
      where id in (select chat_id from input)
      order by id
      for no key update
    ),
    -- A question that waited so long that recovery has ended its run must not be stored without one.
    run as materialized (
      select id from answer_runs
      where id in (select run_id from input) and attempt = 1
      order by id
      for no key update
    ),
    member as materialized (
      select i.n, i.chat_id, i.user_id, i.content, i.client_id, i.run_id, i.asks, l.last_seq, l.message_count,
        case
          when i.asks and not exists (select from run where run.id = i.run_id) then 'late'
          when l.is_ai_chat and not i.asks then 'must_ask'
        end as refusal
      from locked l
      join input i on i.chat_id = l.id
      join chat_participants p on p.chat_id = l.id and p.user_id = i.user_id
      for key share of p
    ),
    known as materialized (
      select i.n, m.id, m.seq, m.updated_seq, m.content, m.created_at
      from member i
      join messages m on m.chat_id = i.chat_id and m.client_id = i.client_id and m.user_id = i.user_id
    ),
    part as materialized (
      select i.n, i.chat_id, i.user_id, i.content, i.client_id, i.run_id, i.last_seq, i.message_count,
        part.is_answer, nextval('messages_id_seq') as id
      from member i
      join (values (false), (true)) part (is_answer) on i.asks or not part.is_answer
      where i.refusal is null and not exists (select from known where known.n = i.n)
    ),
    numbered as materialized (
      select n, chat_id, user_id, content, client_id, run_id, last_seq, message_count, is_answer, id,
        row_number() over (partition by chat_id order by n, is_answer) as position,
        case when is_answer then min(id) filter (where not is_answer) over (partition by n) end as answer_to
      from part
    ),
    moved as (
      update chats
      set last_seq = chats.last_seq + taken.count, message_count = chats.message_count + taken.count
      from (select chat_id, count(*) as count from numbered group by chat_id) taken
      where chats.id = taken.chat_id
    ),
    written as (
      update chat_participants p
      set own_count = p.own_count + mine.count
      from (
        select chat_id, user_id, count(*) as count from numbered where not is_answer group by chat_id, user_id
      ) mine
      where p.chat_id = mine.chat_id and p.user_id = mine.user_id
    ),
    linked as (
      update answer_runs
      set message_id = numbered.id, lease_expires_at = now() + ${leaseSeconds} * interval '1 second'
      from numbered
      where numbered.is_answer and answer_runs.id = numbered.run_id
    ),
    inserted as (
      insert into messages (
        id, chat_id, user_id, content, is_bot, seq, updated_seq, ordinal, client_id, status, answer_to
      )
      select id, chat_id,
        case when is_answer then null else user_id end,
        case when is_answer then '' else content end,
        is_answer, last_seq + position, last_seq + position, message_count + position,
        case when is_answer then null else client_id end,
        case when is_answer then 'streaming' else 'complete' end,
        answer_to
      from numbered
    )
    select q.n, 'sent' as outcome, q.id, q.last_seq + q.position as seq, q.last_seq + q.position as updated_seq, q.content,
      now() as created_at, a.id as answer_id, a.last_seq + a.position as answer_seq
    from numbered q
    left join numbered a on a.n = q.n and a.is_answer
    where not q.is_answer
    union all
    select n, 'known', id, seq, updated_seq, content, created_at, null, null from known
    union all
    select n, refusal, null, null, null, null, null, null, null
    from member
    where refusal is not null and not exists (select from known where known.n = member.n)
  `;
}

function outcomeOf(item: NewMessage, row: InsertedRow | undefined): InsertedMessage {
  if (!row) return { outcome: "stranger" };
  if (row.outcome === "must_ask" || row.outcome === "late") return { outcome: row.outcome };
  const message = newMessage({
    id: row.id,
    chat_id: item.chatId,
    seq: row.seq,
    updated_seq: row.updated_seq,
    user_id: item.userId,
    username: item.username,
    content: row.content,
    client_id: item.clientId ?? null,
    created_at: row.created_at,
  });
  if (row.outcome === "known") return { outcome: "known", message };
  if (row.answer_id === null || row.answer_seq === null) {
    return { outcome: "sent", message, answer: undefined };
  }
  const answer = newMessage({
    id: row.answer_id,
    chat_id: item.chatId,
    seq: row.answer_seq,
    updated_seq: row.answer_seq,
    user_id: null,
    username: botUsername,
    content: "",
    is_bot: true,
    status: "streaming",
    answer_to: message.id,
    created_at: row.created_at,
  });
  return { outcome: "sent", message, answer };
}
