-- migrate:up

-- One row for each life of a server process that has people connected. A server renews expires_at every few seconds; when it was
-- killed, its people count as offline from then on, and as last seen at renewed_at.
create table presence_servers (
  id uuid primary key,
  renewed_at timestamptz not null default now(),
  expires_at timestamptz not null
);

-- The status of a person on one server. A person is what the best of these rows says, of the servers that are alive. A row stays
-- when the person has gone, as 'offline', so that the other servers see the change: changed_xid is the transaction of the last
-- change. Other servers read the rows of the transactions that had not committed when they looked before, which misses none, in
-- whatever order they commit.
create table presence (
  user_id bigint not null references users (id) on delete cascade,
  server_id uuid not null,
  status text not null check (status in ('online', 'away', 'offline')),
  changed_xid xid8 not null default pg_current_xact_id(),
  primary key (user_id, server_id)
);

create index presence_changed_xid_idx on presence (changed_xid);
create index presence_server_id_idx on presence (server_id);

-- When a person was last seen by others. It is a table of its own, since it is written each time that somebody goes, and the rows of
-- users are read by everything.
create table last_seen (
  user_id bigint primary key references users (id) on delete cascade,
  last_seen_at timestamptz not null
);

-- An invisible person is shown to others as offline.
alter table users
  add column presence text not null default 'visible' check (presence in ('visible', 'invisible'));

-- People who came into a chat or left one, for an hour: somebody who shares no chat with a person any more must not be told of
-- that person, on whatever server they are. Triggers write it, because the rows also go with a deleted chat or account.
create table membership_changes (
  user_id bigint not null,
  changed_xid xid8 not null default pg_current_xact_id(),
  changed_at timestamptz not null default now()
);

create index membership_changes_changed_xid_idx on membership_changes (changed_xid);

create function note_membership_changes() returns trigger language plpgsql as $$
begin
  insert into membership_changes (user_id) select distinct user_id from changed;
  return null;
end $$;

create trigger participants_added after insert on chat_participants
  referencing new table as changed for each statement execute function note_membership_changes();
create trigger participants_removed after delete on chat_participants
  referencing old table as changed for each statement execute function note_membership_changes();

-- migrate:down
drop trigger participants_added on chat_participants;
drop trigger participants_removed on chat_participants;
drop function note_membership_changes;
drop table membership_changes;
alter table users drop column presence;
drop table last_seen;
drop table presence;
drop table presence_servers;
