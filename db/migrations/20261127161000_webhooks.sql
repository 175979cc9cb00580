-- migrate:up

-- Addresses that are told of events. chat_id: the chat whose events they are; null: those of the person. It is no foreign key, so that a
-- webhook can be told that its chat was deleted. user_id: who has added it, or turned it on again; a webhook of a chat is told nothing
-- unless that is the chat's owner. Secrets are sealed by a key that is derived from SECRET_KEY. previous: the secret before the last
-- rotation, by which deliveries are signed, too, for a while. off_reason: why the server has turned it off.
create table webhooks (
  id bigint primary key generated always as identity,
  user_id bigint not null references users (id) on delete cascade,
  chat_id bigint,
  url text not null check (char_length(url) between 1 and 2048),
  events text[] not null,
  sealed_secret bytea not null,
  sealed_previous bytea,
  previous_until timestamptz,
  is_enabled boolean not null default true,
  off_reason text check (off_reason in ('gone', 'failing')),
  failing_since timestamptz,
  created_at timestamptz not null default now()
);
create index webhooks_user_id_idx on webhooks (user_id) where chat_id is null;
create index webhooks_chat_id_idx on webhooks (chat_id) where chat_id is not null;

-- Volatile, so that they count the webhooks of statements that have committed meanwhile.
create function webhooks_of_chat(chat bigint) returns bigint
language sql volatile as $$ select count(*) from webhooks where chat_id = chat $$;
create function webhooks_of_person(person bigint) returns bigint
language sql volatile as $$ select count(*) from webhooks where user_id = person and chat_id is null $$;

-- How far a webhook has been told of a chat's log.
create table webhook_cursors (
  webhook_id bigint not null references webhooks (id) on delete cascade,
  chat_id bigint not null references chats (id) on delete cascade,
  seq bigint not null check (seq >= 0),
  primary key (webhook_id, chat_id)
) with (fillfactor = 70);
create index webhook_cursors_chat_id_idx on webhook_cursors (chat_id);

-- Events that a webhook is told of. They have no text: what is sent is read from the log, in its latest state, by chat_id and seq.
create table webhook_deliveries (
  id bigint primary key generated always as identity,
  webhook_id bigint not null references webhooks (id) on delete cascade,
  event_id uuid not null default gen_random_uuid(),
  type text not null,
  chat_id bigint,
  seq bigint,
  status text not null default 'pending' check (status in ('pending', 'delivered', 'failed', 'skipped')),
  attempts int not null default 0,
  response_status int,
  duration_ms int,
  error text check (char_length(error) <= 200),
  created_at timestamptz not null default now(),
  attempted_at timestamptz
);
create index webhook_deliveries_webhook_id_idx on webhook_deliveries (webhook_id, id);
create index webhook_deliveries_pending_idx on webhook_deliveries (webhook_id) where status = 'pending';

-- A webhook is told in the statement that deletes its chat. Those that need not be told go with the chat.
create function tell_webhooks_of_deleted_chat() returns trigger language plpgsql as $$
begin
  delete from webhooks
  where chat_id = old.id and not (is_enabled and user_id = old.owner_id and 'chat.deleted' = any (events));
  with told as (
    insert into webhook_deliveries (webhook_id, type, chat_id)
    select w.id, 'chat.deleted', old.id from webhooks w where w.chat_id = old.id order by w.id
    returning id, webhook_id
  )
  insert into jobs (kind, order_key, lane, payload)
  select 'webhook', 'webhook:' || webhook_id, 'webhook:' || old.owner_id, jsonb_build_object('delivery_id', id)
  from told order by told.id;
  return null;
end $$;
create trigger webhooks_of_deleted_chat after delete on chats
  for each row execute function tell_webhooks_of_deleted_chat();

-- migrate:down
drop trigger webhooks_of_deleted_chat on chats;
drop function tell_webhooks_of_deleted_chat;
drop table webhook_deliveries;
drop table webhook_cursors;
drop function webhooks_of_person;
drop function webhooks_of_chat;
drop table webhooks;
delete from jobs where kind in ('webhook', 'webhook_again');
