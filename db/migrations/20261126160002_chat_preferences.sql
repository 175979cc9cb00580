-- migrate:up

-- What a participant has chosen for their own list of chats. muted_until: notifications are off until this time; null or a past
-- time: they are on.
alter table chat_participants
  add column muted_until timestamptz,
  add column pinned boolean not null default false;

-- migrate:down
alter table chat_participants drop column pinned, drop column muted_until;
