-- migrate:up
-- keeps data: moves the rows of transcriptions to jobs. Servers of the release before still look into the table, which the next one can drop.

-- As before, but the voice messages wait among the other jobs.
create or replace function ask_for_transcription() returns trigger language plpgsql as $$
begin
  insert into jobs (kind, lane, payload)
  select 'transcript', 'transcript:' || new.user_id,
    jsonb_build_object('attachment_id', new.id, 'chat_id', new.chat_id, 'message_id', new.message_id)
  where not exists (select from users where id = new.user_id and bot_owner_id is not null);
  return null;
end $$;

with moved as (
  delete from transcriptions returning attachment_id, chat_id, message_id, due_at
)
insert into jobs (kind, lane, payload, due_at)
select 'transcript', 'transcript:' || a.user_id,
  jsonb_build_object('attachment_id', moved.attachment_id, 'chat_id', moved.chat_id, 'message_id', moved.message_id), moved.due_at
from moved join attachments a on a.id = moved.attachment_id;

-- migrate:down
create or replace function ask_for_transcription() returns trigger language plpgsql as $$
begin
  insert into transcriptions (attachment_id, chat_id, message_id)
  select new.id, new.chat_id, new.message_id
  where not exists (select from users where id = new.user_id and bot_owner_id is not null)
  on conflict do nothing;
  return null;
end $$;

with moved as (
  delete from jobs where kind = 'transcript' returning payload, due_at, dead_at
)
insert into transcriptions (attachment_id, chat_id, message_id, due_at)
select a.id, a.chat_id, a.message_id, moved.due_at
from moved join attachments a on a.id = (moved.payload ->> 'attachment_id')::bigint
where moved.dead_at is null and a.message_id is not null
on conflict do nothing;
