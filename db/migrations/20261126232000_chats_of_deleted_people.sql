-- migrate:up
-- keeps data: only a column is added, and a trigger's function is replaced

-- chat_id: a chat whose people are told, though the person is not in it any more. Null: the chats that the person is in.
alter table people_changes add column chat_id bigint;

create or replace function keep_profile_of_user() returns trigger language plpgsql as $$
begin
  insert into people_changes (user_id, kind) values (new.id, 'profile');
  -- Whoever deletes the account leaves all chats before a server looks for changes.
  if new.deleted_at is not null and old.deleted_at is null then
    insert into people_changes (user_id, kind, chat_id)
    select user_id, 'profile', chat_id from chat_participants where user_id = new.id;
  end if;
  if new.display_name_parts <> old.display_name_parts then
    delete from display_name_parts where user_id = new.id and not part = any (new.display_name_parts);
    insert into display_name_parts (user_id, part)
    select new.id, unnest(new.display_name_parts)
    on conflict do nothing;
  end if;
  return null;
end $$;

-- migrate:down
create or replace function keep_profile_of_user() returns trigger language plpgsql as $$
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
alter table people_changes drop column chat_id;
