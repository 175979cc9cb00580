-- migrate:up
-- keeps data: the update fills the new column

-- content_seq: the number of the last change of the content, which is an edit, the deletion, or the end of an answer; null for
-- content that is as it was sent. updated_seq cannot tell, because other changes of a message raise it, too.
alter table messages add column content_seq bigint,
  add constraint messages_content_seq_check check (content_seq between seq and updated_seq);
update messages set content_seq = updated_seq where updated_seq <> seq;

-- The texts of a message before its edits. updated_seq is the number with which the text came into the log.
create table message_versions (
  message_id bigint not null references messages (id) on delete cascade,
  updated_seq bigint not null,
  content text not null,
  created_at timestamptz not null,
  primary key (message_id, updated_seq)
);

-- A trigger and not a part of the statement that deletes a message: that statement waits for the chat's row, and would not
-- see the version that an edit has stored meanwhile.
create function delete_texts_of_deleted_message() returns trigger language plpgsql as $$
begin
  delete from message_versions where message_id = new.id;
  return null;
end $$;

create trigger texts_of_deleted_message after update of deleted_at on messages
  for each row when (old.deleted_at is null and new.deleted_at is not null)
  execute function delete_texts_of_deleted_message();

-- migrate:down
drop trigger texts_of_deleted_message on messages;
drop function delete_texts_of_deleted_message;
drop table message_versions;
alter table messages drop column content_seq;
