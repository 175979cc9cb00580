// Reads the logs of chats for webhooks: each event becomes a delivery, and a job that delivers it, in the statement that moves the
// webhook's cursor. So each event becomes one delivery, whichever servers do it and whenever they are killed.
import { z } from "zod";
import { one, type Fragment, type Sql } from "../database/connect.ts";
import { insertJob } from "../jobs/queries.ts";
import { blocksAuthor } from "../log/block-queries.ts";

/** The kind of the jobs that deliver events, in order. */
export const deliveryKind = "webhook";

/** The lane of the jobs of a webhook: one for all webhooks of a person. */
export const webhookLane = (sql: Sql, webhookId: number | Fragment): Fragment =>
  sql`(select 'webhook:' || user_id from webhooks where id = ${webhookId})`;

/** Cursors that one statement moves. */
const cursorsMax = 50;
/** Numbers of a chat that one statement reads for one webhook. */
const numbersMax = 100;
/** Deliveries of a webhook that wait. What comes after them waits in the log. */
const pendingMax = 100;

/** A person who has the chat open has read the message by then, on whichever server. Only messages to a person's own webhook wait. */
const readWithinMs = 6_000;

/** The SQL that stores the jobs of deliveries. Jobs of one webhook run in the order of its deliveries. @param stored a CTE with their ids, webhook_ids and types */
const insertDeliveryJobs = (sql: Sql, stored: "stored"): Fragment =>
  insertJob(
    sql,
    {
      kind: deliveryKind,
      orderKey: sql.unsafe(`'webhook:' || ${stored}.webhook_id`),
      lane: webhookLane(sql, sql.unsafe(`${stored}.webhook_id`)),
      payload: sql.unsafe(`jsonb_build_object('delivery_id', ${stored}.id)`),
      afterMs: sql`case when ${sql.unsafe(stored)}.type = 'message' then ${readWithinMs} else 0 end`,
    },
    sql.unsafe(`from ${stored} order by ${stored}.id`),
  );

/** The CTE `entries`: the numbers of the logs above the cursors in `behind`, each as an event for its webhook. */
const entriesOfLogs = (sql: Sql): Fragment => sql`
  entries as (
    select b.webhook_id, b.chat_id, b.user_id as person_id, b.is_own, b.owner_id, b.events, m.seq as number,
      case when m.answer_to is null then 'message.created' else 'answer.started' end as type,
      m.user_id as author_id, m.mentions, null::bigint as added_id
    from behind b
    join lateral (
      select seq, answer_to, user_id, mentions from messages
      where chat_id = b.chat_id and seq > b.seq and seq <= b.up_to
    ) m on true
    union all
    select b.webhook_id, b.chat_id, b.user_id, b.is_own, b.owner_id, b.events, change.seq,
      case change.kind
        when 'message_updated' then
          case when m.deleted_at is not null and m.updated_seq = change.seq then 'message.deleted' else 'message.updated' end
        when 'answer_ended' then 'answer.ended'
        when 'reaction_added' then 'reaction.added'
        when 'reaction_removed' then 'reaction.removed'
        when 'participant_added' then 'participant.added'
        when 'participant_removed' then 'participant.removed'
        when 'chat_updated' then 'chat.updated'
      end,
      m.user_id, m.mentions, case when change.kind = 'participant_added' then change.user_id end
    from behind b
    join lateral (
      select seq, kind, message_id, user_id from chat_changes
      where chat_id = b.chat_id and seq > b.seq and seq <= b.up_to
    ) change on true
    left join messages m on m.id = change.message_id
  )
`;

/** The CTEs `chat_events` and `own_events`: the events of `entries` that webhooks of chats, and of people, are told of. */
const eventsToTell = (sql: Sql): Fragment => sql`
  chat_events as (
    select webhook_id, chat_id, number, type from entries
    where not is_own and owner_id = person_id and type = any (events)
  ),
  own_events as (
    select webhook_id, entries.chat_id, number,
      case
        when added_id = person_id then 'invite'
        when type = 'message.created' and person_id = any (mentions) and 'mention' = any (events) then 'mention'
        when type in ('message.created', 'answer.ended') then 'message'
      end as type,
      events
    from entries
    join chat_participants p on p.chat_id = entries.chat_id and p.user_id = person_id and number >= p.joined_seq
    where is_own and author_id is distinct from person_id
      and (
        added_id = person_id
        or (
          number > p.joined_seq and coalesce(p.muted_until < now(), true)
          and not ${blocksAuthor(sql, sql`person_id`, sql`author_id`)}
        )
      )
  )
`;

const Read = z.object({
  cursors: z.int(),
  deliveries: z.int(),
  is_cut: z.boolean(),
  is_any_on: z.boolean(),
});

export interface ReadLogs {
  /** New ones. */
  deliveries: number;
  /** There may be more to read. */
  isMore: boolean;
  /** Any webhook is on. */
  isAnyOn: boolean;
}

/**
 * Reads a part of the logs above the cursors of webhooks. A webhook of a chat whose owner is another person than the one who turned it on
 * is told nothing. A person's own webhook is told nothing of chats that the person has left, of what was written before they came, of
 * muted chats, and of people whom they have blocked.
 */
export async function readLogs(sql: Sql): Promise<ReadLogs> {
  const { cursors, deliveries, is_cut, is_any_on } = one(
    await sql`
      with behind as materialized (
        select placed.webhook_id, placed.chat_id, placed.seq, least(c.last_seq, placed.seq + ${numbersMax}) as up_to, c.last_seq,
          w.user_id, w.events, w.chat_id is null as is_own, c.owner_id
        from webhook_cursors placed
        join webhooks w on w.id = placed.webhook_id and w.is_enabled
        join chats c on c.id = placed.chat_id
        where c.last_seq > placed.seq
          and (
            select count(*) from (
              select from webhook_deliveries where webhook_id = w.id and status = 'pending' limit ${pendingMax}
            ) waiting
          ) < ${pendingMax}
        order by placed.webhook_id, placed.chat_id
        limit ${cursorsMax}
        for update of placed skip locked
      ),
      ${entriesOfLogs(sql)},
      ${eventsToTell(sql)},
      stored as (
        insert into webhook_deliveries (webhook_id, type, chat_id, seq)
        select webhook_id, type, chat_id, number
        from (
          select * from chat_events
          union all
          select webhook_id, chat_id, number, type from own_events where type = any (events)
        ) event
        order by webhook_id, chat_id, number
        returning id, webhook_id, type
      ),
      jobs_of_them as (${insertDeliveryJobs(sql, "stored")}),
      moved as (
        update webhook_cursors placed set seq = behind.up_to
        from behind
        where placed.webhook_id = behind.webhook_id and placed.chat_id = behind.chat_id
      )
      select count(*)::int as cursors, (select count(*)::int from stored) as deliveries,
        coalesce(bool_or(up_to < last_seq), false) as is_cut,
        exists (select from webhooks where is_enabled) as is_any_on
      from behind
    `,
    Read,
  );
  return { deliveries, isMore: cursors === cursorsMax || is_cut, isAnyOn: is_any_on };
}

const newChatsMax = 500;

/**
 * Gives people's own webhooks cursors in the chats that they have come into since, and tells the webhooks of the invitations.
 * @returns the number of new deliveries
 */
export async function addCursors(sql: Sql): Promise<number> {
  const row = one(
    await sql`
      with missing as materialized (
        select w.id as webhook_id, p.chat_id, p.joined_seq, 'invite' = any (w.events) and c.owner_id <> w.user_id as is_told
        from webhooks w
        join chat_participants p on p.user_id = w.user_id
        join chats c on c.id = p.chat_id
        where w.chat_id is null and w.is_enabled
          and not exists (select from webhook_cursors where webhook_id = w.id and chat_id = p.chat_id)
        order by w.id, p.chat_id
        limit ${newChatsMax}
      ),
      placed as (
        insert into webhook_cursors (webhook_id, chat_id, seq)
        select webhook_id, chat_id, joined_seq from missing order by webhook_id, chat_id
        on conflict do nothing
        returning webhook_id, chat_id
      ),
      stored as (
        insert into webhook_deliveries (webhook_id, type, chat_id, seq)
        select missing.webhook_id, 'invite', missing.chat_id, missing.joined_seq
        from placed join missing using (webhook_id, chat_id)
        where is_told
        order by missing.webhook_id, missing.chat_id
        returning id, webhook_id, type
      ),
      jobs_of_them as (${insertDeliveryJobs(sql, "stored")})
      select count(*)::int as deliveries from stored
    `,
    z.object({ deliveries: z.int() }),
  );
  return row.deliveries;
}
