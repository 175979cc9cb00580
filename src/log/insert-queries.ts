import { z } from "zod";
import { one, type Fragment, type Sql } from "../database/connect.ts";
import { wireTime } from "../database/wire-json.ts";

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

/** The parts of the statement that only some messages need: a group without any such message does not pay for them. */
interface Parts {
  asks: boolean;
  replies: boolean;
  mentions: boolean;
}

function partsOf(items: NewMessage[]): Parts {
  return {
    asks: items.some(({ runId }) => runId !== undefined),
    replies: items.some(({ replyTo }) => replyTo !== undefined),
    mentions: items.some(({ mentions = [] }) => mentions.length > 0),
  };
}

/**
 * The new messages and answers with their numbers, as common table expressions: `numbered` has the rows to be stored, `known`
 * the messages whose client id was used before, and `member` everything that its sender may send.
 *
 * A message is its place `n` in the lists of parameters, so that its text is not copied from step to step. The messages of a
 * chat go with the chat's row: a join of both would compare every message with every chat, since the planner takes each for
 * a few rows.
 */
function numberedMessages(sql: Sql, items: NewMessage[], { asks, replies }: Parts) {
  const columns = sql`
    n, chat_id, user_id, client_id ${asks ? sql`, run_id` : sql``} ${replies ? sql`, reply_to` : sql``},
    last_seq, message_count
  `;
  const runIds = () => sql`, (${items.map((item) => item.runId ?? null)}::bigint[])[n] as run_id`;
  const repliedTo = () =>
    sql`, (${items.map((item) => item.replyTo ?? null)}::bigint[])[n] as reply_to`;
  return sql`
    written_to as (
      select chat_id, array_agg(n::int order by n) as places, array_agg(user_id order by n) as senders
      from unnest(
        ${items.map((item) => item.chatId)}::bigint[],
        ${items.map((item) => item.userId)}::bigint[]
      ) with ordinality as t (chat_id, user_id, n)
      group by chat_id
    ),
    locked as materialized (
      select c.id, places, senders, last_seq, message_count, is_ai_chat
      from written_to
      join chats c on c.id = chat_id
      order by c.id
      for no key update of c
    ),
    permitted as materialized (
      select n, id as chat_id, sender as user_id, (${items.map((item) => item.clientId ?? null)}::text[])[n] as client_id
        ${asks ? runIds() : sql``} ${replies ? repliedTo() : sql``},
        last_seq, message_count, is_ai_chat
      from locked
      -- The limit is for the planner, which takes a list of unknown length for ten: with a hundred messages for a statement of one,
      -- it would not keep the plan, and planning takes longer than the statement.
      cross join lateral (
        select n, sender from unnest(places, senders) as t (n, sender) limit cardinality(places)
      ) item
      -- The limit makes it an index look-up for each message, where a join might read everybody in the chat.
      cross join lateral (
        select from chat_participants where chat_id = locked.id and user_id = sender limit 1 for key share
      ) p
    ),
    ${asks ? lockedRuns(sql) : sql``}
    member as not materialized (
      select ${columns},
        ${asks ? refusalBesideQuestions(sql) : sql`case when is_ai_chat then 'must_ask' end`} as refusal
      from permitted
    ),
    known as materialized (
      select i.n, m.id
      from permitted i
      join messages m on m.chat_id = i.chat_id and m.client_id = i.client_id and m.user_id = i.user_id
    ),
    accepted as (
      select ${columns} from member
      where refusal is null and not exists (select from known where known.n = member.n)
    ),
    ${asks ? numberedWithAnswers(sql, columns) : numberedAlone(sql, columns)}
  `;
}

/** A question that waited so long that recovery has ended its run must not be stored without one. */
const lockedRuns = (sql: Sql) => sql`
  run as materialized (
    select id from answer_runs
    where id in (select run_id from permitted) and attempt = 1
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
    select ${columns}, false as is_answer, nextval('messages_id_seq') as id,
      row_number() over (partition by chat_id order by n) as position, null::bigint as answer_to
    from accepted
  )
`;

const numberedWithAnswers = (sql: Sql, columns: Fragment) => sql`
  part as materialized (
    select ${columns}, is_answer, nextval('messages_id_seq') as id
    from accepted
    join (values (false), (true)) half (is_answer) on run_id is not null or not is_answer
  ),
  numbered as materialized (
    select ${columns}, is_answer, id,
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

/** An item of a statement by its place, from 1. */
const Place = z.int();
const Numbered = z.tuple([Place, /* id */ z.int(), /* seq */ z.int()]);

const Stored = z.object({
  created_at: z.string(),
  sent: z.array(Numbered).nullable(),
  answers: z.array(Numbered).nullable(),
  mentions: z.array(z.object({ n: Place, user_ids: z.array(z.int()) })).nullable(),
  known: z.array(z.tuple([Place, /* id */ z.int()])).nullable(),
  refused: z.array(z.object({ n: Place, refusal: z.enum(["must_ask", "late"]) })).nullable(),
});
/**
 * The outcome for all items of one statement. Those that their sender may not send are in no list. All messages have the same
 * `created_at`, which is in the form of the wire.
 */
export type Stored = z.infer<typeof Stored>;

/**
 * Stores messages; see insertMessages in insert.ts. The outcome is one row with lists, since to read a row for each message
 * takes more of the server's time than to send the statement.
 */
export async function insertOnce(
  sql: Sql,
  items: NewMessage[],
  { leaseSeconds }: InsertOptions,
): Promise<Stored> {
  const parts = partsOf(items);
  const mentions = parts.mentions ? sql`coalesce(mentions.user_ids, '{}')` : sql`'{}'::bigint[]`;
  const rows = await sql`
    with ${numberedMessages(sql, items, parts)},
    ${parts.mentions ? mentionsOfMessages(sql, items) : sql``}
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
        id, chat_id, user_id, content, is_bot, seq, updated_seq, ordinal, client_id, status, answer_to, reply_to, mentions
      )
      select q.id, q.chat_id,
        case when is_answer then null else user_id end,
        case when is_answer then '' else (${items.map((item) => item.content)}::text[])[q.n] end,
        is_answer, last_seq + position, last_seq + position, message_count + position,
        case when is_answer then null else client_id end,
        case when is_answer then 'streaming' else 'complete' end,
        answer_to,
        ${parts.replies ? sql`case when is_answer then null else reply_to end` : sql`null::bigint`},
        ${mentions}
      from numbered q
      ${parts.mentions ? sql`left join mentions on mentions.n = q.n and not q.is_answer` : sql``}
    )
    select ${sql.unsafe(wireTime("now()"))} as created_at,
      (select ${numberedList(sql)} from numbered where not is_answer) as sent,
      ${parts.asks ? sql`(select ${numberedList(sql)} from numbered where is_answer)` : sql`null::json`} as answers,
      ${parts.mentions ? sql`(select json_agg(mentions) from mentions)` : sql`null::json`} as mentions,
      (select to_json(array_agg(array[n, id])) from known) as known,
      (
        select json_agg(json_build_object('n', n, 'refusal', refusal))
        from member
        where refusal is not null and not exists (select from known where known.n = member.n)
      ) as refused
  `;
  return one(rows, Stored);
}

const numberedList = (sql: Sql) => sql`to_json(array_agg(array[n, id, last_seq + position]))`;

const linkedRuns = (sql: Sql, leaseSeconds: number) => sql`
  linked as (
    update answer_runs
    set message_id = numbered.id, lease_expires_at = now() + ${leaseSeconds} * interval '1 second'
    from numbered
    where numbered.is_answer and answer_runs.id = numbered.run_id
  ),
`;
