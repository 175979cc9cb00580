// The first half of the statement that stores messages: which of them may be stored, and their numbers.
import type { Fragment, Sql } from "../database/connect.ts";
import { filesOfMessages, type TakenFiles } from "./attachment-queries.ts";

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
  /** Whether it asks the model nothing, whatever chat it is in: a bot has written it. */
  asksNothing?: boolean | undefined;
  /** Whether its sender is the account of an incoming webhook of the chat, which is no participant. */
  isByHook?: boolean | undefined;
  /** Ids of the people whom it mentions; those who are no longer in the chat are left out. */
  mentions?: readonly number[] | undefined;
  /** Ids of files that the sender has uploaded to the chat and not sent yet. A message with any other id is not stored. */
  attachmentIds?: readonly number[] | undefined;
}

/** The parts of the statement that only some messages need: a group without any such message does not pay for them. */
export interface Parts {
  asks: boolean;
  replies: boolean;
  mentions: boolean;
  asksNothing: boolean;
  hooks: boolean;
  files: readonly TakenFiles[];
}

export function partsOf(items: NewMessage[]): Parts {
  return {
    asks: items.some(({ runId }) => runId !== undefined),
    replies: items.some(({ replyTo }) => replyTo !== undefined),
    mentions: items.some(({ mentions = [] }) => mentions.length > 0),
    asksNothing: items.some((item) => item.asksNothing === true),
    hooks: items.some((item) => item.isByHook === true),
    files: items.flatMap(({ attachmentIds = [] }, index) =>
      attachmentIds.map((attachmentId) => ({ n: index + 1, attachmentId })),
    ),
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
export function numberedMessages(
  sql: Sql,
  items: NewMessage[],
  { asks, replies, asksNothing, hooks, files }: Parts,
) {
  const none = sql``;
  const columns = sql`
    n, chat_id, user_id, client_id ${asks ? sql`, run_id` : none} ${replies ? sql`, reply_to` : none},
    last_seq, updated_seq, message_count
  `;
  const runIds = () => sql`, (${items.map((item) => item.runId ?? null)}::bigint[])[n] as run_id`;
  const repliedTo = () =>
    sql`, (${items.map((item) => item.replyTo ?? null)}::bigint[])[n] as reply_to`;
  const plain = items.flatMap((item, index) => (item.asksNothing ? [index + 1] : []));
  const mustAsk = asksNothing ? sql`is_ai_chat and n <> all (${plain}::bigint[])` : sql`is_ai_chat`;
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
      select c.id, places, senders, last_seq, updated_seq, message_count, is_ai_chat, is_group
      from written_to
      join chats c on c.id = chat_id
      order by c.id
      for no key update of c
    ),
    permitted as materialized (
      select n, id as chat_id, sender as user_id, (${items.map((item) => item.clientId ?? null)}::text[])[n] as client_id
        ${asks ? runIds() : none} ${replies ? repliedTo() : none},
        last_seq, updated_seq, message_count, is_ai_chat
      from locked
      -- The limit is for the planner, which takes a list of unknown length for ten: with a hundred messages for a statement of one,
      -- it would not keep the plan, and planning takes longer than the statement.
      cross join lateral (
        select n, sender from unnest(places, senders) as t (n, sender) limit cardinality(places)
      ) item
      -- The limit makes it an index look-up for each message, where a join might read everybody in the chat.
      cross join lateral (${hooks ? participantOrHook(sql) : sql`${participant(sql)} for key share`}) p
    ),
    ${asks ? lockedRuns(sql) : none}
    member as not materialized (
      select ${columns},
        ${asks ? refusalBesideQuestions(sql, mustAsk) : sql`case when ${mustAsk} then 'must_ask' end`} as refusal
      from permitted
    ),
    known as materialized (
      select i.n, m.id
      from permitted i
      join messages m on m.chat_id = i.chat_id and m.client_id = i.client_id and m.user_id = i.user_id
    ),
    ${files.length > 0 ? filesOfMessages(sql, files) : none}
    accepted as (
      select ${columns} from member
      where refusal is null and not exists (select from known where known.n = member.n)
        ${files.length > 0 ? sql`and n not in (select n from without_files)` : none}
    ),
    ${asks ? numberedWithAnswers(sql, columns) : numberedAlone(sql, columns)}
  `;
}

const participant = (sql: Sql) =>
  sql`select from chat_participants where chat_id = locked.id and user_id = sender limit 1`;

/** A union cannot lock rows, but its parts can. */
const participantOrHook = (sql: Sql) => sql`
  select from (${participant(sql)} for key share) p
  union all
  select from (
    select from incoming_webhooks where chat_id = locked.id and user_id = sender limit 1 for key share
  ) h
`;

/** A question that waited so long that recovery has ended its run must not be stored without one. */
const lockedRuns = (sql: Sql) => sql`
  run as materialized (
    select id from answer_runs
    where id in (select run_id from permitted) and attempt = 1
    order by id
    for no key update
  ),
`;

const refusalBesideQuestions = (sql: Sql, mustAsk: Fragment) => sql`
  case
    when run_id is not null and not exists (select from run where run.id = run_id) then 'late'
    when ${mustAsk} and run_id is null then 'must_ask'
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
