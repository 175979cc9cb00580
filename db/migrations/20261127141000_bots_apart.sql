-- migrate:up

-- As before, but a bot gets no chat: a chat that has nothing but bots is deleted.
create or replace function next_owner(chat bigint, leaving bigint) returns bigint
language sql volatile as $$
  select p.user_id from chat_participants p
  join users u on u.id = p.user_id
  where p.chat_id = chat and p.user_id <> leaving and u.bot_owner_id is null
  order by p.role = 'moderator' desc, p.joined_at, p.id
  limit 1
$$;

-- As before, but nothing that a bot sends asks the model.
create or replace function ask_for_transcription() returns trigger language plpgsql as $$
begin
  insert into transcriptions (attachment_id, chat_id, message_id)
  select new.id, new.chat_id, new.message_id
  where not exists (select from users where id = new.user_id and bot_owner_id is not null)
  on conflict do nothing;
  return null;
end $$;

-- migrate:down
create or replace function ask_for_transcription() returns trigger language plpgsql as $$
begin
  insert into transcriptions (attachment_id, chat_id, message_id)
  values (new.id, new.chat_id, new.message_id)
  on conflict do nothing;
  return null;
end $$;
create or replace function next_owner(chat bigint, leaving bigint) returns bigint
language sql volatile as $$
  select user_id from chat_participants
  where chat_id = chat and user_id <> leaving
  order by role = 'moderator' desc, joined_at, id
  limit 1
$$;
