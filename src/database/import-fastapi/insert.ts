// Stores the staged rows without faults as the server itself would have: numbered, counted, with read positions.
import type postgres from "postgres";
import { z } from "zod";
import { botUsername } from "../../wire/messages.ts";
import { one } from "../connect.ts";

const users = `
  insert into users (id, username, email, hashed_password, created_at)
  select id, username, email, hash, coalesce(created_at, now()) from staged_users where fault is null order by id
`;

/**
 * A chat without a name has that of its people. A private chat whose name is that of its people counts as not named, as in
 * the migration that has introduced is_named.
 */
const chats = `
  insert into chats
    (id, name, is_named, owner_id, is_group, is_ai_chat, created_at, last_seq, message_count, participant_count)
  select c.id,
    coalesce(c.name, case when c.is_ai_chat then '${botUsername}' else left(people.names, 100) end),
    c.is_group or c.is_ai_chat
      or c.name is not null and c.name <> all (people.own_names) and c.name <> people.names and c.name <> people.given_names,
    c.owner_id, c.is_group, c.is_ai_chat,
    coalesce(c.created_at, written.first_at, now()),
    coalesce(written.count, 0), coalesce(written.count, 0), people.count
  from staged_chats c
  join (
    select p.chat_id, count(*) as count,
      string_agg(u.username, ', ' order by p.user_id <> c.owner_id, p.n) as names,
      string_agg(coalesce(u.given, u.username), ', ' order by p.user_id <> c.owner_id, p.n) as given_names,
      array_agg(u.username) || array_agg(coalesce(u.given, u.username)) as own_names
    from staged_participants p
    join staged_chats c on c.id = p.chat_id and c.fault is null
    join staged_users u on u.id = p.user_id and u.fault is null
    where p.fault is null
    group by p.chat_id
  ) people on people.chat_id = c.id
  left join (
    select chat_id, count(*) as count, min(created_at) as first_at from staged_messages where fault is null group by chat_id
  ) written on written.chat_id = c.id
  where c.fault is null
  order by c.id
`;

const messages = `
  insert into messages (id, chat_id, user_id, content, is_bot, created_at, seq, updated_seq, ordinal)
  select id, chat_id, user_id, content, is_bot, created_at, seq, seq, seq
  from (
    select id, chat_id, user_id, content, is_bot, created_at,
      row_number() over (partition by chat_id order by created_at, id) as seq
    from staged_messages where fault is null
  ) numbered
  order by id
`;

/**
 * Each person has read what they have a receipt for, all before it, and what was written before they came. Without a table of
 * receipts everything counts as read. Nobody is shown as a reader of what was written before they came, and before their first receipt.
 */
const participants = `
  with member as materialized (
    select p.n, p.chat_id, p.user_id, coalesce(p.joined_at, c.created_at) as joined_at, c.last_seq,
      p.user_id = c.owner_id as is_owner
    from staged_participants p join chats c on c.id = p.chat_id
    where p.fault is null
  ),
  receipt as (
    select m.chat_id, r.user_id, max(m.seq) as seq, min(m.seq) as first_seq
    from staged_receipts r join messages m on m.id = r.message_id
    where r.fault is null
    group by m.chat_id, r.user_id
  ),
  -- A membership comes before messages of the same time.
  before as (
    select n, max(seq) over (partition by chat_id order by at, n nulls last rows unbounded preceding) as seq
    from (
      select chat_id, created_at as at, seq, null::bigint as n from messages
      union all
      select chat_id, joined_at, null, n from member
    ) event
  ),
  positioned as materialized (
    select m.n, m.chat_id, m.user_id, m.joined_at, m.is_owner,
      case when $1 then greatest(r.seq, b.seq, 0) else m.last_seq end as last_read_seq,
      coalesce(least(b.seq, r.first_seq - 1), 0) as joined_seq
    from member m
    join before b on b.n = m.n
    left join receipt r on r.chat_id = m.chat_id and r.user_id = m.user_id
  ),
  own as (
    select p.n, count(*) as count, count(*) filter (where m.seq <= p.last_read_seq) as read_count
    from positioned p join messages m on m.chat_id = p.chat_id and m.user_id = p.user_id
    group by p.n
  )
  insert into chat_participants (id, chat_id, user_id, joined_at, last_read_seq, joined_seq, own_count, own_read_count)
  select row_number() over (order by p.joined_at, p.is_owner desc, p.n),
    p.chat_id, p.user_id, p.joined_at, p.last_read_seq, p.joined_seq, coalesce(own.count, 0), coalesce(own.read_count, 0)
  from positioned p left join own on own.n = p.n
`;

/** Two people with several private chats get the one that has the newest message as theirs. */
const privateChats = `
  insert into private_chats (low_user_id, high_user_id, chat_id)
  select distinct on (pair.low_user_id, pair.high_user_id) pair.low_user_id, pair.high_user_id, pair.chat_id
  from (
    select c.id as chat_id, min(p.user_id) as low_user_id, max(p.user_id) as high_user_id
    from chats c join chat_participants p on p.chat_id = c.id
    where not c.is_group and not c.is_ai_chat
    group by c.id
    having count(*) = 2
  ) pair
  left join messages newest on newest.chat_id = pair.chat_id
    and newest.seq = (select last_seq from chats where id = pair.chat_id)
  order by pair.low_user_id, pair.high_user_id, newest.created_at desc nulls last, pair.chat_id
`;

/**
 * Moves the staged rows into the empty tables.
 * @param hasReceipts whether the source says what was read
 */
export async function insertStaged(
  sql: postgres.TransactionSql,
  hasReceipts: boolean,
): Promise<void> {
  await sql.unsafe(users);
  await sql.unsafe(chats);
  await sql.unsafe(messages);
  await sql.unsafe("analyze users; analyze chats; analyze messages");
  await sql.unsafe(participants, [hasReceipts]);
  await sql.unsafe(privateChats);
  // The next id follows all of the source's, those of rows that were left out too.
  for (const table of ["users", "chats", "messages"]) {
    await continueIds(sql, table, `staged_${table}`);
  }
  await continueIds(sql, "chat_participants", "chat_participants");
}

async function continueIds(
  sql: postgres.TransactionSql,
  table: string,
  idsOf: string,
): Promise<void> {
  const rows = await sql.unsafe(`select coalesce(max(id), 0)::float8 as id from ${idsOf}`);
  const { id } = one(rows, z.object({ id: z.int().nonnegative() }));
  if (id === 0) return;
  // Unlike setval, and nextval in a default, this is undone with the transaction.
  await sql.unsafe(`alter table ${table} alter column id restart with ${id + 1}`);
}
