-- migrate:up

-- The words of the messages, for searches. A worker fills the tables behind the statements that store messages.
--
-- indexed_seq: the words of the chat are those of its log up to this number. The numbers of a chat are committed in their order, so
-- that nothing at or below it is missing. A chat without a row has not been looked at.
create table search_progress (
  chat_id bigint primary key references chats (id) on delete cascade,
  indexed_seq bigint not null check (indexed_seq >= 0)
) with (fillfactor = 50);

-- One row for each message that is not being streamed. content_seq: the number with which the text that the words are from came
-- into the log; searches leave out a row whose message has another text by now.
-- Each word begins with the id of the chat: the entries of the index are those of a word in a chat. With the word alone, a search for
-- a word that is in every message, or for the beginning of many words, would read the messages of all chats.
-- A deleted message keeps its row, without words. Otherwise the worker, which may have read the text before, could bring it back.
-- There is no key to the message: messages go with their chat only, whose purge takes these rows along, and the worker locks the
-- chat's row of search_progress, which goes first.
create table search_entries (
  chat_id bigint not null,
  created_at timestamptz not null,
  message_id bigint not null,
  content_seq bigint not null,
  words tsvector not null,
  primary key (chat_id, created_at, message_id)
);

-- Without the list of pending entries, which every search would read from its beginning to its end.
create index search_entries_words_idx on search_entries using gin (words) with (fastupdate = off);

-- The one worker of all servers: one row at most.
create table search_worker (
  id boolean primary key default true check (id),
  server_id uuid not null,
  expires_at timestamptz not null
);

-- A trigger, so that the words go with every statement that deletes a message, and at once.
create function delete_words_of_deleted_message() returns trigger language plpgsql as $$
begin
  insert into search_entries (chat_id, created_at, message_id, content_seq, words)
  values (new.chat_id, new.created_at, new.id, new.updated_seq, '')
  on conflict (chat_id, created_at, message_id) do update
  set content_seq = excluded.content_seq, words = excluded.words;
  return null;
end $$;

create trigger words_of_deleted_message after update of deleted_at on messages
  for each row when (old.deleted_at is null and new.deleted_at is not null)
  execute function delete_words_of_deleted_message();

-- migrate:down
drop trigger words_of_deleted_message on messages;
drop function delete_words_of_deleted_message;
drop table search_worker;
drop table search_entries;
drop table search_progress;
