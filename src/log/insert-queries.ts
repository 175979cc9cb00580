import type { Fragment, Sql } from "../database/connect.ts";
import { filesOfMessages, filesShown, type TakenFiles } from "./attachment-queries.ts";

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
  /** Ids of files that the sender has uploaded to the chat and not sent yet. A message with any other id is not stored. */
  attachmentIds?: readonly number[] | undefined;
}

export interface InsertOptions {
  /** Seconds from the storing of an answer within which its server must renew the lease. */
  leaseSeconds: number;
}

/** The parts of the statement that only some messages need: a group without any such message does not pay for them. */
interface Parts {
  asks: boolean;
  replies: boolean;
  mentions: boolean;
  files: readonly TakenFiles[];
}

function partsOf(items: NewMessage[]): Parts {
  return {
    asks: items.some(({ runId }) => runId !== undefined),
    replies: items.some(({ replyTo }) => replyTo !== undefined),
    mentions: items.some(({ mentions = [] }) => mentions.length > 0),
    files: items.flatMap(({ attachmentIds = [] }, index) =>
      attachmentIds.map((attachmentId) => ({ n: index + 1, attachmentId })),
    ),
  };
}

/**
 * The new messages and answers with their numbers, as common table expressions: `numbered` has the rows to be stored, `known`
 * the messages whose client id was used before, and `member` everything that its sender may send.
 */
function numberedMessages(sql: Sql, items: NewMessage[], { asks, replies, files }: Parts) {
  const columns = sql`
    chat_id, user_id, content, client_id ${asks ? sql`, run_id` : sql``} ${replies ? sql`, reply_to` : sql``}
  `;
  const runIds = () => sql`, ${items.map((item) => item.runId ?? null)}::bigint[]`;
  const repliedTo = () => sql`, ${items.map((item) => item.replyTo ?? null)}::bigint[]`;
  return sql`
    input as materialized (
      select n, ${columns}
      from unnest(
        ${items.map((item) => item.chatId)}::bigint[],
        ${items.map((item) => item.userId)}::bigint[],
        ${items.map((item) => item.content)}::text[],
        ${items.map((item) => item.clientId ?? null)}::text[]
        ${asks ? runIds() : sql``}
        ${replies ? repliedTo() : sql``}
      ) with ordinality as t (${columns}, n)
    ),
    locked as materialized (
      select id, last_seq, message_count, is_ai_chat
      from chats
      where id in (select chat_id from input)
      order by id
      for no key update
    ),
    ${asks ? lockedRuns(sql) : sql``}
    member as materialized (
      select n, ${columns}, last_seq, message_count,
        ${asks ? refusalBesideQuestions(sql) : sql`case when is_ai_chat then 'must_ask' end`} as refusal
      from locked
      join input on input.chat_id = locked.id
      join chat_participants p using (chat_id, user_id)
      for key share of p
    ),
    known as materialized (
      select i.n, m.id
      from member i
      join messages m on m.chat_id = i.chat_id and m.client_id = i.client_id and m.user_id = i.user_id
    ),
    ${files.length > 0 ? filesOfMessages(sql, files) : sql``}
    accepted as (
      select n, ${columns}, last_seq, message_count from member
      where refusal is null and not exists (select from known where known.n = member.n)
        ${files.length > 0 ? sql`and n not in (select n from without_files)` : sql``}
    ),
    ${asks ? numberedWithAnswers(sql, columns) : numberedAlone(sql, columns)}
  `;
}

/** A question that waited so long that recovery has ended its run must not be stored without one. */
const lockedRuns = (sql: Sql) => sql`
  run as materialized (
    select id from answer_runs
    where id in (select run_id from input) and attempt = 1
    order by id
    for no key update
  ),
`;

const refusalBesideQuestions = (sql: Sql) => sql`
  case
    when run_id is not null and not exists (select from run where run.id = run_id) then 'late'
    when is_ai_chat and run_id is null then 'must_ask'
  end
`;

const numberedAlone = (sql: Sql, columns: Fragment) => sql`
  numbered as materialized (
    select n, ${columns}, last_seq, message_count, false as is_answer, nextval('messages_id_seq') as id,
      row_number() over (partition by chat_id order by n) as position, null::bigint as answer_to
    from accepted
  )
`;

const numberedWithAnswers = (sql: Sql, columns: Fragment) => sql`
  part as materialized (
    select n, ${columns}, last_seq, message_count, is_answer, nextval('messages_id_seq') as id
    from accepted
    join (values (false), (true)) half (is_answer) on run_id is not null or not is_answer
  ),
  numbered as materialized (
    select n, ${columns}, last_seq, message_count, is_answer, id,
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
  const parts = partsOf(items);
  const mentions = parts.mentions ? sql`coalesce(mentions.user_ids, '{}')` : sql`'{}'::bigint[]`;
  const joinMentions = parts.mentions
    ? sql`left join mentions on mentions.n = q.n and not q.is_answer`
    : sql``;
  const hasFiles = parts.files.length > 0;
  const files = hasFiles ? sql`coalesce(files.shown, '[]')` : sql`'[]'::json`;
  const joinFiles = hasFiles ? sql`left join files on files.n = q.n and not q.is_answer` : sql``;
  return await sql`
    with ${numberedMessages(sql, items, parts)},
    ${parts.mentions ? mentionsOfMessages(sql, items) : sql``}
    ${hasFiles ? filesShown(sql) : sql``}
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
    ${parts.asks ? linkedRuns(sql, leaseSeconds) : sql``}
    inserted as (
      insert into messages (
        id, chat_id, user_id, content, is_bot, seq, updated_seq, ordinal, client_id, status, answer_to, reply_to, mentions, attachments
      )
      select q.id, q.chat_id,
        case when is_answer then null else user_id end,
        case when is_answer then '' else content end,
        is_answer, last_seq + position, last_seq + position, message_count + position,
        case when is_answer then null else client_id end,
        case when is_answer then 'streaming' else 'complete' end,
        answer_to,
        ${parts.replies ? sql`case when is_answer then null else reply_to end` : sql`null::bigint`},
        ${mentions}, ${files}
      from numbered q
      ${joinMentions}
      ${joinFiles}
    )
    select q.n, 'sent' as outcome, q.id, q.last_seq + q.position as seq, now() as created_at, ${parts.mentions ? mentions : sql`null::bigint[]`} as mentions,
      ${hasFiles ? files : sql`null::json`} as attachments,
      ${parts.asks ? sql`a.id` : sql`null::bigint`} as answer_id,
      ${parts.asks ? sql`a.last_seq + a.position` : sql`null::bigint`} as answer_seq
    from numbered q
    ${parts.asks ? sql`left join numbered a on a.n = q.n and a.is_answer` : sql``}
    ${joinMentions}
    ${joinFiles}
    where not q.is_answer
    union all
    select n, 'known', id, null, null, null, null, null, null from known
    union all
    select n, refusal, null, null, null, null, null, null, null
    from member
    where refusal is not null and not exists (select from known where known.n = member.n)
    ${hasFiles ? withoutFiles(sql) : sql``}
  `;
}

const withoutFiles = (sql: Sql) => sql`
  union all
  select n, 'no_files', null, null, null, null, null, null, null
  from member
  where refusal is null and n in (select n from without_files) and n not in (select n from known)
`;

const linkedRuns = (sql: Sql, leaseSeconds: number) => sql`
  linked as (
    update answer_runs
    set message_id = numbered.id, lease_expires_at = now() + ${leaseSeconds} * interval '1 second'
    from numbered
    where numbered.is_answer and answer_runs.id = numbered.run_id
  ),
`;
