-- migrate:up
-- keeps data: only constraints are dropped, and wider ones replace them

-- Of recordings: their duration, and how loud they are in 64 parts of it.
alter table stored_files
  add column duration_ms int check (duration_ms > 0),
  add column waveform json,
  drop constraint stored_files_kind_check,
  add constraint stored_files_kind_check check (kind in ('image', 'voice', 'audio', 'video', 'file')),
  drop constraint stored_files_chat_id_uploaded_sha256_key;
-- The same bytes may be sent as a voice message and as a file.
create unique index stored_files_bytes_key on stored_files (chat_id, uploaded_sha256, (kind = 'voice'));

-- The text of a voice message, once it was transcribed.
alter table attachments add column transcript text check (char_length(transcript) between 1 and 20000);

-- What the uploader wants the file to be; null: what its bytes say.
alter table uploads add column kind text check (kind = 'voice');

-- Voice messages that are to be transcribed. due_at: when a server may take it; the one that does moves it on, which is its lease.
create table transcriptions (
  attachment_id bigint primary key references attachments (id) on delete cascade,
  chat_id bigint not null,
  message_id bigint not null,
  attempts int not null default 0,
  due_at timestamptz not null default now()
);
create index transcriptions_due_at_idx on transcriptions (due_at);

-- A trigger, so that every statement that sends a voice message asks for it.
create function ask_for_transcription() returns trigger language plpgsql as $$
begin
  insert into transcriptions (attachment_id, chat_id, message_id)
  values (new.id, new.chat_id, new.message_id)
  on conflict do nothing;
  return null;
end $$;
create trigger transcription_of_voice after update of message_id on attachments
  for each row when (old.message_id is null and new.message_id is not null and new.kind = 'voice')
  execute function ask_for_transcription();

-- migrate:down
drop trigger transcription_of_voice on attachments;
drop function ask_for_transcription;
drop table transcriptions;
alter table uploads drop column kind;
alter table attachments drop column transcript;
-- A voice message becomes a sound. Where the chat has the same bytes as a file, too, that file takes its place.
update attachments a set file_id = other.id
from stored_files f
join stored_files other on other.chat_id = f.chat_id and other.uploaded_sha256 = f.uploaded_sha256 and other.kind <> 'voice'
where a.file_id = f.id and f.kind = 'voice';
delete from stored_files f using stored_files other
where f.kind = 'voice' and other.kind <> 'voice' and other.chat_id = f.chat_id and other.uploaded_sha256 = f.uploaded_sha256;
update attachments set kind = 'audio' where kind = 'voice';
update stored_files set kind = 'audio' where kind = 'voice';
drop index stored_files_bytes_key;
alter table stored_files
  drop constraint stored_files_kind_check,
  drop column waveform,
  drop column duration_ms,
  add constraint stored_files_kind_check check (kind in ('image', 'audio', 'video', 'file')),
  add constraint stored_files_chat_id_uploaded_sha256_key unique (chat_id, uploaded_sha256);
