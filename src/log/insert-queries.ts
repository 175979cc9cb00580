import { z } from "zod";
import { one, ownProcess, type Sql } from "../database/connect.ts";
import { wireTime } from "../database/wire-json.ts";
import { Attachment } from "../wire/attachments.ts";
import { filesShown } from "./attachment-queries.ts";
import { blocksAuthor } from "./block-queries.ts";
import { pushOfPrivateMessages } from "./push-jobs.ts";
import { numberedMessages, partsOf, type NewMessage } from "./numbered-messages.ts";

export interface InsertOptions {
  /** Seconds from the storing of an answer within which its server must renew the lease. */
  leaseSeconds: number;
}

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
      select q.n, q.id, q.chat_id, q.last_seq + q.position as seq, p.user_id, q.user_id as author_id, t.place
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
      where not ${blocksAuthor(sql, sql`mentioned.user_id`, sql`mentioned.author_id`)}
    ),
  `;
};

/** An item of a statement by its place, from 1. */
const Place = z.int();
const Numbered = z.tuple([Place, /* id */ z.int(), /* seq */ z.int()]);
/** A stored message. `members` is the number of the last change of the chat or of its people. */
const Sent = z.tuple([Place, /* id */ z.int(), /* seq */ z.int(), /* members */ z.int()]);

const Stored = z.object({
  created_at: z.string(),
  sent: z.array(Sent).nullable(),
  answers: z.array(Numbered).nullable(),
  mentions: z.array(z.object({ n: Place, user_ids: z.array(z.int()) })).nullable(),
  files: z.array(z.object({ n: Place, shown: z.array(Attachment) })).nullable(),
  known: z.array(z.tuple([Place, /* id */ z.int()])).nullable(),
  refused: z
    .array(z.object({ n: Place, refusal: z.enum(["must_ask", "late", "no_files"]) }))
    .nullable(),
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
  const none = sql``;
  const noList = sql`null::json`;
  const mentions = parts.mentions ? sql`coalesce(mentions.user_ids, '{}')` : sql`'{}'::bigint[]`;
  const hasFiles = parts.files.length > 0;
  const files = hasFiles ? sql`coalesce(files.shown, '[]')` : sql`'[]'::json`;
  const rows = await sql`
    with ${numberedMessages(sql, items, parts)},
    ${parts.mentions ? mentionsOfMessages(sql, items) : none}
    ${hasFiles ? filesShown(sql) : none}
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
    ${parts.asks ? linkedRuns(sql, leaseSeconds) : none}
    pushed as (${pushOfPrivateMessages(sql)}),
    inserted as (
      insert into messages (
        id, chat_id, user_id, content, is_bot, seq, updated_seq, ordinal, client_id, status, answer_to, reply_to, mentions, attachments
      )
      select q.id, q.chat_id,
        case when is_answer then null else user_id end,
        case when is_answer then '' else (${items.map((item) => item.content)}::text[])[q.n] end,
        is_answer, last_seq + position, last_seq + position, message_count + position,
        case when is_answer then null else client_id end,
        case when is_answer then 'streaming' else 'complete' end,
        answer_to,
        ${parts.replies ? sql`case when is_answer then null else reply_to end` : sql`null::bigint`},
        ${mentions}, ${files}
      from numbered q
      ${parts.mentions ? sql`left join mentions on mentions.n = q.n and not q.is_answer` : none}
      ${hasFiles ? sql`left join files on files.n = q.n and not q.is_answer` : none}
    )
    select ${sql.unsafe(wireTime("now()"))} as created_at,
      (
        select to_json(array_agg(array[n, id, last_seq + position, updated_seq])) from numbered where not is_answer
      ) as sent,
      ${parts.asks ? sql`(select ${numberedList(sql)} from numbered where is_answer)` : noList} as answers,
      ${parts.mentions ? sql`(select json_agg(mentions) from mentions)` : noList} as mentions,
      ${hasFiles ? sql`(select json_agg(files) from files)` : noList} as files,
      (select to_json(array_agg(array[n, id])) from known) as known,
      (
        select json_agg(json_build_object('n', n, 'refusal', coalesce(refusal, 'no_files')))
        from member
        where (refusal is not null ${hasFiles ? sql`or n in (select n from without_files)` : none}) and not exists (select from known where known.n = member.n)
      ) as refused
  `;
  return one(rows, Stored);
}

const numberedList = (sql: Sql) => sql`to_json(array_agg(array[n, id, last_seq + position]))`;

const linkedRuns = (sql: Sql, leaseSeconds: number) => sql`
  linked as (
    update answer_runs
    set message_id = numbered.id, lease_expires_at = now() + ${leaseSeconds} * interval '1 second',
      holder_pid = ${ownProcess(sql)}
    from numbered
    where numbered.is_answer and answer_runs.id = numbered.run_id
  ),
`;
