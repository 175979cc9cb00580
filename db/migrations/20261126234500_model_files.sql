-- migrate:up
-- units: the pages of a PDF, or the seconds of audio and video, as far as they are known.
alter table stored_files add column units int check (units >= 0);

-- Copies of files that the provider of the model keeps for a while, so that a file is sent to it once. expires_at: the provider removes
-- the copy then.
create table model_files (
  file_id bigint primary key references stored_files (id) on delete cascade,
  name text not null unique,
  uri text not null,
  expires_at timestamptz not null
);

-- Copies that have to be removed from the provider. A name is noted here before its file is sent (is_pending), and leaves the table in
-- the statement that stores the row of the copy: a crash between the two leaves a copy that is removed later.
create table model_file_removals (
  name text primary key,
  remove_after timestamptz not null,
  is_pending boolean not null,
  tries int not null default 0,
  created_at timestamptz not null default now()
);
create index model_file_removals_remove_after_idx on model_file_removals (remove_after);

create function note_removed_copy() returns trigger language plpgsql as $$
begin
  insert into model_file_removals (name, remove_after, is_pending) values (old.name, now(), false)
  on conflict (name) do update set remove_after = excluded.remove_after, is_pending = false;
  return null;
end $$;
create trigger removed_copy after delete on model_files
  for each row when (old.expires_at > now()) execute function note_removed_copy();
create trigger replaced_copy after update of name on model_files
  for each row when (old.name <> new.name and old.expires_at > now()) execute function note_removed_copy();

-- files: the files of the prompt, as [{"attachment_id", "message_id", "reason"}]. reason: why the model could not read a file.
alter table answer_receipts add column files jsonb not null default '[]';

-- migrate:down
alter table answer_receipts drop column files;
drop table model_files;
drop function note_removed_copy;
drop table model_file_removals;
alter table stored_files drop column units;
