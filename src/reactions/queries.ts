// Storing reactions. Several people react at the same moment, so that one statement stores the reactions of all of them.
import { z } from "zod";
import { many, type Sql } from "../database/connect.ts";
import { Reaction, reactionNamesMax, reactionsPerMessageMax } from "../wire/messages.ts";

export interface ReactionChange {
  chatId: number;
  messageId: number;
  userId: number;
  emoji: string;
  /** Whether the person reacts, or takes the reaction back. */
  on: boolean;
}

const StoredRow = z.object({
  n: z.int(),
  outcome: z.enum(["stored", "no_message", "deleted", "too_many"]),
  message_id: z.int(),
  /** The number of the change, and how many people have reacted with the emoji after it; null if nothing has changed. */
  seq: z.int().nullable(),
  emoji_count: z.int().nullable(),
  /** The message's reactions, in one row of each message. */
  reactions: z.array(Reaction).nullable(),
  /** The number of the message's last change; null if there is no such message. */
  updated_seq: z.int().nullable(),
});
export type StoredRow = z.infer<typeof StoredRow>;

/**
 * Stores reactions and takes the next number of its chat for each that changes something.
 *
 * All that a race could break is read after the lock of the chat's row, which every change of a message takes first: the
 * message's row is locked and thereby read anew, an insert meets every row that is committed, and a delete removes only rows that
 * are still there. A plain read would show the statement's snapshot, which may be older than the lock.
 * @param changes at most one of a person, message and emoji
 * @returns a row for each change whose person is in the chat, in order; `n` is its place, from 1 on
 */
export async function storeReactions(
  sql: Sql,
  changes: readonly ReactionChange[],
): Promise<StoredRow[]> {
  const rows = await sql`
    with ${requestedChanges(sql, changes)},
    ${madeChanges(sql)},
    ${newReactions(sql)},
    moved as (
      update chats set last_seq = chats.last_seq + taken.count
      from (select chat_id, count(*) as count from numbered group by chat_id) taken
      where chats.id = taken.chat_id
    ),
    written as (
      update messages set reactions = shown.reactions, updated_seq = shown.seq
      from shown
      where messages.id = shown.message_id
    ),
    logged as (
      insert into chat_changes (chat_id, seq, kind, message_id, user_id, emoji, emoji_count)
      select chat_id, seq, case when is_on then 'reaction_added' else 'reaction_removed' end,
        message_id, user_id, emoji, emoji_count
      from numbered
    )
    select a.n, a.message_id,
      case
        when m.id is null then 'no_message'
        when m.deleted_at is not null then 'deleted'
        when a.is_refused then 'too_many'
        else 'stored'
      end as outcome,
      numbered.seq, numbered.emoji_count,
      case when row_number() over (partition by a.message_id order by a.n) = 1
        then coalesce(shown.reactions, m.reactions)
      end as reactions,
      coalesce(shown.seq, m.updated_seq) as updated_seq
    from asked a
    left join message m on m.id = a.message_id
    left join numbered on numbered.n = a.n
    left join shown on shown.message_id = a.message_id
    order by a.n
  `;
  return many(rows, StoredRow);
}

/**
 * `asked` has the changes that their people may ask for. `message` has their messages as they are now, and `listed` the emoji of
 * these. An emoji that is new to a message is refused above the limit; emoji that disappear by the same statement count for it.
 */
const requestedChanges = (sql: Sql, changes: readonly ReactionChange[]) => sql`
  input as materialized (
    select n, chat_id, message_id, user_id, emoji, step > 0 as is_on
    from unnest(
      ${changes.map((change) => change.chatId)}::bigint[],
      ${changes.map((change) => change.messageId)}::bigint[],
      ${changes.map((change) => change.userId)}::bigint[],
      ${changes.map((change) => change.emoji)}::text[],
      ${changes.map((change) => (change.on ? 1 : -1))}::int[]
    ) with ordinality as t (chat_id, message_id, user_id, emoji, step, n)
  ),
  locked as materialized (
    select id, last_seq from chats
    where id in (select chat_id from input)
    order by id
    for no key update
  ),
  member as materialized (
    select i.n, i.chat_id, i.message_id, i.user_id, i.emoji, i.is_on, l.last_seq
    from locked l
    join input i on i.chat_id = l.id
    join chat_participants p on p.chat_id = l.id and p.user_id = i.user_id
    for key share of p
  ),
  message as materialized (
    select m.id, m.reactions, m.deleted_at, m.updated_seq
    from messages m
    where (m.chat_id, m.id) in (select chat_id, message_id from member)
    order by m.id
    for no key update
  ),
  listed as materialized (
    select m.id as message_id, item ->> 'emoji' as emoji, (item ->> 'count')::int as count,
      array(select jsonb_array_elements_text(item -> 'user_ids')::bigint) as user_ids, place
    from message m
    cross join lateral jsonb_array_elements(m.reactions) with ordinality as t (item, place)
  ),
  fresh as materialized (
    select i.message_id, i.emoji, row_number() over (partition by i.message_id order by min(i.n)) as rank
    from member i
    where i.is_on and not exists (select from listed l where l.message_id = i.message_id and l.emoji = i.emoji)
    group by i.message_id, i.emoji
  ),
  asked as materialized (
    select i.n, i.chat_id, i.message_id, i.user_id, i.emoji, i.is_on, i.last_seq,
      i.is_on and coalesce(
        fresh.rank + (select count(*) from listed l where l.message_id = i.message_id) > ${reactionsPerMessageMax}, false
      ) as is_refused
    from member i
    left join fresh on fresh.message_id = i.message_id and fresh.emoji = i.emoji
  ),
  allowed as materialized (
    select a.n, a.chat_id, a.message_id, a.user_id, a.emoji, a.is_on, a.last_seq
    from asked a
    join message m on m.id = a.message_id and m.deleted_at is null
    where not a.is_refused
  )
`;

/** `numbered` has the changes that were made, with their numbers. */
const madeChanges = (sql: Sql) => sql`
  added as (
    insert into message_reactions (chat_id, message_id, emoji, user_id)
    select chat_id, message_id, emoji, user_id from allowed where is_on order by n
    on conflict do nothing
    returning message_id, emoji, user_id
  ),
  removed as (
    delete from message_reactions r
    using allowed a
    where not a.is_on
      and r.chat_id = a.chat_id and r.message_id = a.message_id and r.emoji = a.emoji and r.user_id = a.user_id
    returning r.message_id, r.emoji, r.user_id
  ),
  numbered as materialized (
    select a.n, a.chat_id, a.message_id, a.user_id, a.emoji, a.is_on,
      a.last_seq + row_number() over (partition by a.chat_id order by a.n) as seq,
      coalesce(l.count, 0) + sum(case when a.is_on then 1 else -1 end)
        over (partition by a.message_id, a.emoji order by a.n) as emoji_count
    from allowed a
    join (
      select message_id, emoji, user_id from added union all select message_id, emoji, user_id from removed
    ) made on made.message_id = a.message_id and made.emoji = a.emoji and made.user_id = a.user_id
    left join listed l on l.message_id = a.message_id and l.emoji = a.emoji
  )
`;

/**
 * `shown` has the reactions of each changed message. They are made of those that it showed before: to read the rows of a message again
 * would cost more with each person who has reacted. They are read only where somebody is gone and others may be named instead.
 */
const newReactions = (sql: Sql) => sql`
  changed as materialized (
    select chat_id, message_id, emoji, sum(case when is_on then 1 else -1 end) as more,
      -- An emoji that has appeared, perhaps anew, stands behind those that were there.
      max(n) filter (where is_on and emoji_count = 1) as appeared_n,
      array_agg(user_id order by n) as user_ids, bool_and(is_on) as is_longer
    from numbered
    group by chat_id, message_id, emoji
  ),
  shown as materialized (
    select message_id,
      coalesce(
        jsonb_agg(
          jsonb_build_object('emoji', emoji, 'count', count, 'user_ids', to_jsonb(user_ids)) order by place, appeared_n
        ) filter (where count > 0),
        '[]'
      ) as reactions,
      (select max(numbered.seq) from numbered where numbered.message_id = combined.message_id) as seq
    from (
      select message_id, emoji, case when c.appeared_n is null then l.place end as place, c.appeared_n,
        coalesce(l.count, 0) + coalesce(c.more, 0) as count,
        case
          when c.emoji is null then l.user_ids
          when c.is_longer then (coalesce(l.user_ids, '{}') || c.user_ids)[:${reactionNamesMax}]
          else first_reacting_people(c.chat_id, message_id, emoji, ${reactionNamesMax})
        end as user_ids
      from listed l
      full join changed c using (message_id, emoji)
      where message_id in (select message_id from changed)
    ) combined
    group by message_id
  )
`;
