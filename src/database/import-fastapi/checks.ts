// Finds faults between staged rows. A row with a fault is left out; one with changes is taken, and the changes are listed.
// Each check sees the faults that the ones before it have found.
import type postgres from "postgres";
import { chatsPerUserMax, groupSizeMax } from "../../wire/chats.ts";
import { chooseNames } from "./names.ts";

const repeatedIds = (kind: string) => `
  update staged_${kind} s set fault = 'an earlier row has the same id'
  from (select n, row_number() over (partition by id order by n) as place from staged_${kind} where fault is null) repeated
  where repeated.n = s.n and repeated.place > 1
`;

/** The earlier of two people with one address keeps it. Nobody can have mail under the replacement. */
const emails = `
  update staged_users s
  set email = 'user-' || s.id || '@imported.invalid',
      changes = case when s.email is null then s.changes
        else s.changes || format('the e-mail address %s is that of an earlier user: it is replaced', to_json(s.email)) end
  from (
    select n, row_number() over (partition by lower(email) order by id) as place from staged_users where fault is null
  ) shared
  where shared.n = s.n and (s.email is null or shared.place > 1)
`;

const participants = `
  update staged_participants s
  set fault = case
    when not exists (select from staged_chats c where c.id = s.chat_id) then 'there is no such chat'
    when not exists (select from staged_users u where u.id = s.user_id) then 'there is no such user'
    when not exists (select from staged_chats c where c.id = s.chat_id and c.fault is null) then 'the chat is left out'
    when not exists (select from staged_users u where u.id = s.user_id and u.fault is null) then 'the user is left out'
  end
  where s.fault is null;

  update staged_participants s set fault = 'an earlier row has the same chat and user'
  from (
    select n, row_number() over (partition by chat_id, user_id order by n) as place
    from staged_participants where fault is null
  ) repeated
  where repeated.n = s.n and repeated.place > 1;
`;

const chats = `
  update staged_chats s set fault = 'nobody is in it'
  where s.fault is null
    and not exists (select from staged_participants p where p.chat_id = s.id and p.fault is null);

  create temporary table staged_owners on commit drop as
  select distinct on (c.id) c.id as chat_id, p.user_id
  from staged_chats c
  join staged_participants p on p.chat_id = c.id and p.fault is null
  where c.fault is null
  order by c.id, p.user_id = c.owner_id desc nulls last, p.is_admin desc, p.joined_at nulls first, p.n;

  update staged_chats s
  set owner_id = o.user_id,
      changes = case when s.has_owner and s.owner_id is distinct from o.user_id
        then s.changes || format('its owner %s is not in it: user %s becomes the owner', coalesce(s.owner_id::text, 'none'), o.user_id)
        else s.changes end
  from staged_owners o
  where o.chat_id = s.id and s.fault is null;

  update staged_chats s
  set is_group = true,
      changes = case when s.is_group then s.changes
        else s.changes || format('it is private and has %s people: it becomes a group', size.count) end
      || case when size.count > ${groupSizeMax}
        then array[format('its %s people are kept, although a group holds ${groupSizeMax}', size.count)]
        else '{}' end
  from (
    select chat_id, count(*) as count from staged_participants where fault is null group by chat_id having count(*) > 2
  ) size
  where size.chat_id = s.id and s.fault is null and (not s.is_group or size.count > ${groupSizeMax});

  update staged_users s
  set changes = s.changes || format('its %s chats are kept, although a person has ${chatsPerUserMax} at most', busy.count)
  from (
    select user_id, count(*) as count from staged_participants where fault is null
    group by user_id having count(*) > ${chatsPerUserMax}
  ) busy
  where busy.user_id = s.id and s.fault is null;
`;

const messages = `
  update staged_messages s
  set fault = case when exists (select from staged_chats c where c.id = s.chat_id)
    then 'the chat is left out' else 'there is no such chat' end
  where s.fault is null
    and not exists (select from staged_chats c where c.id = s.chat_id and c.fault is null);

  update staged_messages s
  set user_id = null,
      changes = s.changes || format('its author %s is not among the users: it is shown as a deleted user''s', s.author)
  where s.fault is null and not s.is_bot
    and not exists (select from staged_users u where u.id = s.user_id and u.fault is null);

  update staged_messages s
  set created_at = timed.created_at
  from (
    select m.n, coalesce(
      max(m.created_at) over (partition by m.chat_id order by m.id rows unbounded preceding), c.created_at, now()
    ) as created_at
    from staged_messages m
    join staged_chats c on c.id = m.chat_id and c.fault is null
    where m.fault is null
      and m.chat_id in (select chat_id from staged_messages where fault is null and created_at is null)
  ) timed
  where timed.n = s.n and s.created_at is null;
`;

const receipts = `
  update staged_receipts s
  set fault = case
    when m.id is null then 'there is no such message'
    when m.fault is not null then 'the message is left out'
    else 'the user is not in the chat'
  end
  from staged_receipts r
  left join lateral (
    select id, chat_id, fault from staged_messages where id = r.message_id order by n limit 1
  ) m on true
  where r.n = s.n
    and not exists (
      select from staged_participants p
      where m.fault is null and p.chat_id = m.chat_id and p.user_id = r.user_id and p.fault is null
    );
`;

/** Finds the faults of all staged rows, and brings the others into the form in which they are taken. */
export async function check(sql: postgres.TransactionSql): Promise<void> {
  for (const kind of ["users", "chats", "messages"]) await sql.unsafe(repeatedIds(kind));
  await chooseNames(sql);
  for (const statements of [emails, participants, chats, messages, receipts]) {
    await sql.unsafe(statements);
  }
}
