-- migrate:up
-- keeps data: only a constraint is dropped, and a wider one replaces it

-- edited_at, deleted_at: when the author last edited the message, and when it was deleted. What stays of a deleted message is its
-- row without content, so that its number, its author and the order of the log remain.
-- reply_to: a message of the same chat. It has no foreign key: the statement that inserts the row proves it, and single messages
-- are never removed from the table.
-- mentions: ids of the people who are mentioned. reactions: what the wire shows of message_reactions, kept here because a page of
-- history must not count rows of another table.
alter table messages
  add column edited_at timestamptz,
  add column deleted_at timestamptz,
  add column reply_to bigint,
  add column mentions bigint[] not null default '{}',
  add column reactions jsonb not null default '[]',
  drop constraint messages_check,
  add constraint messages_content_check check (char_length(content) > 0 or is_bot or deleted_at is not null),
  add constraint messages_deleted_check
    check (deleted_at is null or (content = '' and mentions = '{}' and reactions = '[]' and status <> 'streaming'));

-- migrate:down
alter table messages
  drop constraint messages_deleted_check,
  drop constraint messages_content_check,
  drop column reactions,
  drop column mentions,
  drop column reply_to,
  drop column deleted_at,
  drop column edited_at;
update messages set content = '-' where content = '' and not is_bot;
alter table messages add constraint messages_check check (char_length(content) > 0 or is_bot);
