-- migrate:up
-- keeps data: only a table is added, and a trigger's function is replaced

-- One person has blocked another. The blocked one must not be able to tell, so that nothing of the blocked person's rows changes.
create table user_blocks (
  id bigint generated always as identity,
  blocker_id bigint not null references users (id) on delete cascade,
  blocked_id bigint not null references users (id) on delete cascade check (blocked_id <> blocker_id),
  created_at timestamptz not null default now(),
  primary key (blocker_id, blocked_id)
);

create index user_blocks_blocked_id_idx on user_blocks (blocked_id, blocker_id);

-- The other clients of the person are told, and presence between the two is found out again.
create function note_changed_blocks() returns trigger language plpgsql as $$
begin
  insert into people_changes (user_id, kind) select distinct blocker_id, 'blocks' from changed;
  insert into membership_changes (user_id) select distinct blocker_id from changed;
  return null;
end $$;

create trigger blocks_added after insert on user_blocks
  referencing new table as changed for each statement execute function note_changed_blocks();
create trigger blocks_removed after delete on user_blocks
  referencing old table as changed for each statement execute function note_changed_blocks();

-- A mention by somebody whom a person has blocked does not count as unread.
create or replace function keep_mentions_of_message() returns trigger language plpgsql as $$
begin
  delete from message_mentions
  where chat_id = new.chat_id and seq = new.seq
    and user_id = any (old.mentions) and not user_id = any (new.mentions);
  insert into message_mentions (user_id, chat_id, seq, message_id)
  select p.user_id, p.chat_id, new.seq, new.id
  from chat_participants p
  where p.chat_id = new.chat_id and p.user_id = any (new.mentions) and not p.user_id = any (old.mentions)
    and not exists (select from user_blocks where blocker_id = p.user_id and blocked_id = new.user_id)
  for key share of p
  on conflict do nothing;
  return null;
end $$;

-- migrate:down
create or replace function keep_mentions_of_message() returns trigger language plpgsql as $$
begin
  delete from message_mentions
  where chat_id = new.chat_id and seq = new.seq
    and user_id = any (old.mentions) and not user_id = any (new.mentions);
  insert into message_mentions (user_id, chat_id, seq, message_id)
  select user_id, chat_id, new.seq, new.id
  from chat_participants
  where chat_id = new.chat_id and user_id = any (new.mentions) and not user_id = any (old.mentions)
  for key share
  on conflict do nothing;
  return null;
end $$;
drop trigger blocks_added on user_blocks;
drop trigger blocks_removed on user_blocks;
drop function note_changed_blocks;
drop table user_blocks;
