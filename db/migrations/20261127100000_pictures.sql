-- migrate:up

-- The pictures of people and of chats. The id is a part of the picture's address, and of the names of its two files in the store.
alter table users add column avatar_id uuid;
alter table chats add column picture_id uuid;

create function note_removed_picture(picture_id uuid) returns void language sql as $$
  insert into file_removals (key, remove_after, is_pending)
  values (picture_id || '-64', now(), false), (picture_id || '-256', now(), false)
  on conflict (key) do update set remove_after = excluded.remove_after, is_pending = false;
$$;

create function remove_avatar() returns trigger language plpgsql as $$
begin
  perform note_removed_picture(old.avatar_id);
  return null;
end $$;
create trigger avatar_of_user after update of avatar_id on users
  for each row when (old.avatar_id is not null and old.avatar_id is distinct from new.avatar_id)
  execute function remove_avatar();

create function remove_chat_picture() returns trigger language plpgsql as $$
begin
  perform note_removed_picture(old.picture_id);
  return null;
end $$;
create trigger picture_of_chat after update of picture_id on chats
  for each row when (old.picture_id is not null and old.picture_id is distinct from new.picture_id)
  execute function remove_chat_picture();
create trigger picture_of_deleted_chat after delete on chats
  for each row when (old.picture_id is not null)
  execute function remove_chat_picture();

drop trigger profile_of_user on users;
create trigger profile_of_user after update on users
  for each row when (
    old.username <> new.username
    or old.display_name is distinct from new.display_name
    or old.bio is distinct from new.bio
    or old.avatar_id is distinct from new.avatar_id
  )
  execute function keep_profile_of_user();

-- migrate:down
drop trigger profile_of_user on users;
create trigger profile_of_user after update on users
  for each row when (
    old.username <> new.username
    or old.display_name is distinct from new.display_name
    or old.bio is distinct from new.bio
  )
  execute function keep_profile_of_user();
drop trigger picture_of_deleted_chat on chats;
drop trigger picture_of_chat on chats;
drop trigger avatar_of_user on users;
-- The files of the pictures go.
select note_removed_picture(avatar_id) from users where avatar_id is not null;
select note_removed_picture(picture_id) from chats where picture_id is not null;
drop function remove_chat_picture;
drop function remove_avatar;
drop function note_removed_picture;
alter table chats drop column picture_id;
alter table users drop column avatar_id;
