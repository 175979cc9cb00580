-- migrate:up
-- keeps data: only a table is added

-- The mentions that a person has not read. Counting them in messages.mentions would read every message above the read position.
-- A row goes when the position moves over it, when the message is deleted or edited so that it mentions the person no longer, and
-- with the participation, so that a person who comes back is not told of what was written before.
-- seq is the number of the message. message_id has no foreign key: single messages are never removed from the table, and the rows
-- of a deleted chat go with its participants.
create table message_mentions (
  user_id bigint not null,
  chat_id bigint not null,
  seq bigint not null,
  message_id bigint not null,
  primary key (user_id, chat_id, seq),
  foreign key (chat_id, user_id) references chat_participants (chat_id, user_id) on delete cascade
);

-- A trigger, because a statement that waits for the row of a message sees the mentions that the message had before the wait.
create function keep_mentions_of_message() returns trigger language plpgsql as $$
begin
  delete from message_mentions
  where chat_id = new.chat_id and seq = new.seq
    and user_id = any (old.mentions) and not user_id = any (new.mentions);
  insert into message_mentions (user_id, chat_id, seq, message_id)
  select user_id, chat_id, new.seq, new.id
  from chat_participants
  where chat_id = new.chat_id and user_id = any (new.mentions) and not user_id = any (old.mentions)
  for key share
  on conflict do nothing;
  return null;
end $$;

create trigger mentions_of_message after update of mentions on messages
  for each row when (old.mentions <> new.mentions)
  execute function keep_mentions_of_message();

-- migrate:down
drop trigger mentions_of_message on messages;
drop function keep_mentions_of_message;
drop table message_mentions;
