-- migrate:up
-- keeps data: only constraints are dropped

-- A chat with a million messages cannot be deleted within one statement's time limit. Its row goes at once, and with it
-- everything that anybody can find: every query comes from a chat or from a membership. Its messages and changes follow
-- page by page. No statement stores a message without the lock of its chat's row, which is what the keys checked.
alter table messages drop constraint messages_chat_id_fkey;
alter table chat_changes drop constraint chat_changes_chat_id_fkey;

-- One row a deleted chat whose messages are not all gone.
create table deleted_chats (
  chat_id bigint primary key,
  deleted_at timestamptz not null default now()
);

create function note_deleted_chat() returns trigger language plpgsql as $$
begin
  insert into deleted_chats (chat_id) values (old.id) on conflict do nothing;
  return null;
end $$;

create trigger deleted_chat after delete on chats
  for each row execute function note_deleted_chat();

-- migrate:down
drop trigger deleted_chat on chats;
drop function note_deleted_chat;
drop table deleted_chats;
delete from chat_changes where not exists (select from chats where chats.id = chat_changes.chat_id);
delete from messages where not exists (select from chats where chats.id = messages.chat_id);
alter table messages
  add constraint messages_chat_id_fkey foreign key (chat_id) references chats (id) on delete cascade;
alter table chat_changes
  add constraint chat_changes_chat_id_fkey foreign key (chat_id) references chats (id) on delete cascade;
