-- migrate:up

-- A person without a display name is shown under the username. Two people may have the same display name.
alter table users
  add column display_name text check (char_length(display_name) between 1 and 50),
  add column bio text check (char_length(bio) between 1 and 500),
  -- The beginnings by which a search finds the display name: the program folds them, since PostgreSQL's own folding of accents
  -- would need an extension.
  add column display_name_parts text[] not null default '{}';

-- A search reads a range of this table. An array in users could be searched for whole elements only.
create table display_name_parts (
  user_id bigint not null references users (id) on delete cascade,
  part text collate "C" not null,
  primary key (user_id, part)
);

create index display_name_parts_part_idx on display_name_parts (part, user_id);

-- People whose profile has changed, for an hour: each server looks for new rows, and tells its sockets. changed_xid is read as
-- that of presence is.
create table people_changes (
  user_id bigint not null,
  kind text not null check (kind in ('profile', 'blocks')),
  changed_xid xid8 not null default pg_current_xact_id(),
  changed_at timestamptz not null default now()
);

create index people_changes_changed_xid_idx on people_changes (changed_xid);
create index people_changes_changed_at_idx on people_changes (changed_at);

create function drop_parts_of_no_name() returns trigger language plpgsql as $$
begin
  new.display_name_parts := '{}';
  return new;
end $$;

create trigger no_display_name before update of display_name on users
  for each row when (new.display_name is null)
  execute function drop_parts_of_no_name();

-- A trigger, because a statement that waits for the row of a person sees the parts that the person had before the wait.
create function keep_profile_of_user() returns trigger language plpgsql as $$
begin
  insert into people_changes (user_id, kind) values (new.id, 'profile');
  if new.display_name_parts <> old.display_name_parts then
    delete from display_name_parts where user_id = new.id and not part = any (new.display_name_parts);
    insert into display_name_parts (user_id, part)
    select new.id, unnest(new.display_name_parts)
    on conflict do nothing;
  end if;
  return null;
end $$;

create trigger profile_of_user after update on users
  for each row when (
    old.username <> new.username
    or old.display_name is distinct from new.display_name
    or old.bio is distinct from new.bio
  )
  execute function keep_profile_of_user();

-- migrate:down
drop trigger profile_of_user on users;
drop trigger no_display_name on users;
drop function keep_profile_of_user;
drop function drop_parts_of_no_name;
drop table people_changes;
drop table display_name_parts;
alter table users drop column display_name_parts, drop column bio, drop column display_name;
