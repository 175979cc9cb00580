-- migrate:up
-- keeps data: only constraints and indexes are dropped, and others replace them

-- The row of a deleted account stays, without anything that tells who it was: messages, reactions and numbers of logs refer to it.
alter table users
  add column deleted_at timestamptz,
  drop constraint users_username_check,
  drop constraint users_email_check,
  add constraint users_username_check check (
    case when deleted_at is null then username ~ '^[A-Za-z0-9_.-]{2,32}$' else username = 'Deleted user' end
  ),
  add constraint users_email_check check (
    case when deleted_at is null then char_length(email) between 3 and 254 else email = '' end
  );

drop index users_username_key;
create unique index users_username_key on users (lower(username)) where deleted_at is null;
drop index users_email_key;
create unique index users_email_key on users (lower(email)) where deleted_at is null;

-- SHA-256 of the usernames of deleted accounts, in lower case. Nobody gets such a name again, so that nobody can pretend to be
-- the person who had it.
create table former_usernames (
  name_hash bytea primary key
);

create function refuse_former_username() returns trigger language plpgsql as $$
begin
  if new.deleted_at is null
    and exists (select from former_usernames where name_hash = sha256(convert_to(lower(new.username), 'UTF8'))) then
    raise exception 'the username belonged to a deleted account'
      using errcode = 'unique_violation', constraint = 'users_username_key';
  end if;
  return new;
end $$;

create trigger username_of_nobody_else before insert or update of username on users
  for each row execute function refuse_former_username();

-- Nobody is added to a chat after their account was deleted. The lock lets a deletion that is under way finish first.
create function refuse_deleted_participant() returns trigger language plpgsql as $$
begin
  perform from users where id = new.user_id and deleted_at is null for share;
  if not found then
    raise exception 'the account was deleted'
      using errcode = 'foreign_key_violation', constraint = 'chat_participants_user_id_fkey';
  end if;
  return new;
end $$;

create trigger participant_has_account before insert on chat_participants
  for each row execute function refuse_deleted_participant();

-- One row for each deleted account of which something is left to do: chats to leave, and then messages to erase. next_id: messages
-- below this id are done. message_ids_end: no message of the person has this id or a higher one; null until all chats are left.
create table account_deletions (
  user_id bigint primary key references users (id) on delete cascade,
  erases boolean not null,
  requested_at timestamptz not null default now(),
  next_id bigint not null default 0,
  message_ids_end bigint
);

-- Who gets a chat whose owner goes: the moderator who has been there longest, or else the member. It is volatile and therefore
-- reads the participants as they are once the calling statement has locked the chat.
create function next_owner(chat bigint, leaving bigint) returns bigint
language sql volatile as $$
  select user_id from chat_participants
  where chat_id = chat and user_id <> leaving
  order by role = 'moderator' desc, joined_at, id
  limit 1
$$;

-- migrate:down
drop function next_owner;
drop table account_deletions;
drop trigger participant_has_account on chat_participants;
drop function refuse_deleted_participant;
drop trigger username_of_nobody_else on users;
drop function refuse_former_username;
drop table former_usernames;
drop index users_email_key;
drop index users_username_key;
alter table users drop constraint users_email_check, drop constraint users_username_check;
update users set username = 'deleted_user_' || id, email = 'deleted_user_' || id || '@deleted.invalid'
where deleted_at is not null;
create unique index users_username_key on users (lower(username));
create unique index users_email_key on users (lower(email));
alter table users
  add constraint users_email_check check (char_length(email) between 3 and 254),
  add constraint users_username_check check (username ~ '^[A-Za-z0-9_.-]{2,32}$'),
  drop column deleted_at;
