-- migrate:up
-- keeps data: it fills a column and a table that are new

-- False for a private chat that nobody has named: each of its two people sees it under the other's name.
alter table chats add column is_named boolean not null default true;

-- Until now such a chat was named after its people, so that this is how it is recognised.
update chats c set is_named = false
where not c.is_group and not c.is_ai_chat
  and (
    exists (
      select from chat_participants p
      join users u on u.id = p.user_id
      where p.chat_id = c.id and u.username = c.name
    )
    or exists (
      select from chat_participants p
      join users u on u.id = p.user_id
      join chat_participants q on q.chat_id = p.chat_id and q.user_id <> p.user_id
      join users v on v.id = q.user_id
      where p.chat_id = c.id and c.name = u.username || ', ' || v.username
    )
  );

-- The private chat of two people, which opening one with the same person leads to. The primary key keeps two requests
-- at the same time from making two. When one of the two leaves, or the chat is deleted, the row goes with them.
create table private_chats (
  low_user_id bigint not null,
  high_user_id bigint not null,
  chat_id bigint not null unique,
  primary key (low_user_id, high_user_id),
  check (low_user_id < high_user_id),
  foreign key (chat_id, low_user_id) references chat_participants (chat_id, user_id) on delete cascade,
  foreign key (chat_id, high_user_id) references chat_participants (chat_id, user_id) on delete cascade
);

-- Two people may have several already: the one that was written in last is theirs from now on. The others stay.
insert into private_chats (low_user_id, high_user_id, chat_id)
select distinct on (pair.low_user_id, pair.high_user_id) pair.low_user_id, pair.high_user_id, pair.chat_id
from (
  select c.id as chat_id, min(p.user_id) as low_user_id, max(p.user_id) as high_user_id
  from chats c
  join chat_participants p on p.chat_id = c.id
  where not c.is_group and not c.is_ai_chat
  group by c.id
  having count(*) = 2
) pair
left join lateral (
  select created_at from messages where chat_id = pair.chat_id order by seq desc limit 1
) newest on true
order by pair.low_user_id, pair.high_user_id, newest.created_at desc nulls last, pair.chat_id;

-- migrate:down
drop table private_chats;
alter table chats drop column is_named;
