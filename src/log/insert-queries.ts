import type { Sql } from "../database/connect.ts";

export interface NewMessage {
  chatId: number;
  userId: number;
  username: string;
  content: string;
  clientId: string | undefined;
  /** The run that will answer the message: an empty answer is stored with it. */
  runId: number | undefined;
  /** A message of the same chat, which the caller has found there. */
  replyTo?: number | undefined;
  /** Ids of the people whom it mentions; those who are no longer in the chat are left out. */
  mentions?: readonly number[] | undefined;
}

export interface InsertOptions {
  /** Seconds from the storing of an answer within which its server must renew the lease. */
  leaseSeconds: number;
}

/**
 * The new messages and answers with their numbers, as common table expressions: `numbered` has the rows to be stored, `known`
 * the messages whose client id was used before, and `member` everything that its sender may send.
 */
const numberedMessages = (sql: Sql, items: NewMessage[]) => sql`
  input as materialized (
    select n, chat_id, user_id, content, client_id, run_id, run_id is not null as asks, reply_to
    from unnest(
      ${items.map((item) => item.chatId)}::bigint[],
      ${items.map((item) => item.userId)}::bigint[],
      ${items.map((item) => item.content)}::text[],
      ${items.map((item) => item.clientId ?? null)}::text[],
      ${items.map((item) => item.runId ?? null)}::bigint[],
      ${items.map((item) => item.replyTo ?? null)}::bigint[]
    ) with ordinality as t (chat_id, user_id, content, client_id, run_id, reply_to, n)
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
    select i.n, i.chat_id, i.user_id, i.content, i.client_id, i.run_id, i.asks, i.reply_to, l.last_seq, l.message_count,
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
    select i.n, m.id
    from member i
    join messages m on m.chat_id = i.chat_id and m.client_id = i.client_id and m.user_id = i.user_id
  ),
  part as materialized (
    select i.n, i.chat_id, i.user_id, i.content, i.client_id, i.run_id, i.reply_to, i.last_seq, i.message_count,
      part.is_answer, nextval('messages_id_seq') as id
    from member i
    join (values (false), (true)) part (is_answer) on i.asks or not part.is_answer
    where i.refusal is null and not exists (select from known where known.n = i.n)
  ),
  numbered as materialized (
    select n, chat_id, user_id, content, client_id, run_id, reply_to, last_seq, message_count, is_answer, id,
      row_number() over (partition by chat_id order by n, is_answer) as position,
      case when is_answer then min(id) filter (where not is_answer) over (partition by n) end as answer_to
    from part
  )
`;

/**
 * The mentions of the new messages, as common table expressions. Only people who are in the chat are mentioned: their
 * participations are locked, because a statement that waits for a chat would still see those that ended meanwhile.
 */
const mentionsOfMessages = (sql: Sql, items: NewMessage[]) => {
  const pairs = items.flatMap(({ mentions = [] }, index) =>
    mentions.map((userId) => ({ n: index + 1, userId })),
  );
  return sql`
    mentioned as materialized (
      select q.n, q.id, q.chat_id, q.last_seq + q.position as seq, p.user_id, t.place
      from unnest(
        ${pairs.map(({ n }) => n)}::bigint[],
        ${pairs.map(({ userId }) => userId)}::bigint[]
      ) with ordinality as t (n, user_id, place)
      join numbered q on q.n = t.n and not q.is_answer
      join chat_participants p on p.chat_id = q.chat_id and p.user_id = t.user_id
      for key share of p
    ),
    mentions as materialized (
      select n, array_agg(user_id order by place) as user_ids from mentioned group by n
    ),
    kept as (
      insert into message_mentions (user_id, chat_id, seq, message_id)
      select user_id, chat_id, seq, id from mentioned
    ),
  `;
};

/** Stores messages and returns a row for each that the sender may send; see insertMessages in insert.ts. */
export async function insertOnce(
  sql: Sql,
  items: NewMessage[],
  { leaseSeconds }: InsertOptions,
): Promise<readonly unknown[]> {
  // The usual statement has no part for mentions, so that messages without any cost nothing more.
  const isMentioning = items.some(({ mentions = [] }) => mentions.length > 0);
  const mentions = isMentioning ? sql`coalesce(mentions.user_ids, '{}')` : sql`'{}'::bigint[]`;
  const joinMentions = isMentioning
    ? sql`left join mentions on mentions.n = q.n and not q.is_answer`
    : sql``;
  return await sql`
    with ${numberedMessages(sql, items)},
    ${isMentioning ? mentionsOfMessages(sql, items) : sql``}
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
        id, chat_id, user_id, content, is_bot, seq, updated_seq, ordinal, client_id, status, answer_to, reply_to, mentions
      )
      select q.id, q.chat_id,
        case when is_answer then null else user_id end,
        case when is_answer then '' else content end,
        is_answer, last_seq + position, last_seq + position, message_count + position,
        case when is_answer then null else client_id end,
        case when is_answer then 'streaming' else 'complete' end,
        answer_to,
        case when is_answer then null else reply_to end,
        ${mentions}
      from numbered q
      ${joinMentions}
    )
    select q.n, 'sent' as outcome, q.id, q.last_seq + q.position as seq, q.last_seq + q.position as updated_seq, q.content,
      now() as created_at, q.reply_to, ${mentions} as mentions, a.id as answer_id, a.last_seq + a.position as answer_seq
    from numbered q
    left join numbered a on a.n = q.n and a.is_answer
    ${joinMentions}
    where not q.is_answer
    union all
    select n, 'known', id, null, null, null, null, null, null, null, null from known
    union all
    select n, refusal, null, null, null, null, null, null, null, null, null
    from member
    where refusal is not null and not exists (select from known where known.n = member.n)
  `;
}
