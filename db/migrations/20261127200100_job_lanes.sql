-- migrate:up

-- lane: whose work a job is. A server runs only a few jobs of one lane at once, so that nobody takes all the places of a kind.
alter table jobs add column lane text check (char_length(lane) between 1 and 100);

create or replace function tell_webhooks_of_deleted_chat() returns trigger language plpgsql as $$
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

-- migrate:down
create or replace function tell_webhooks_of_deleted_chat() returns trigger language plpgsql as $$
begin
  delete from webhooks
  where chat_id = old.id and not (is_enabled and user_id = old.owner_id and 'chat.deleted' = any (events));
  with told as (
    insert into webhook_deliveries (webhook_id, type, chat_id)
    select w.id, 'chat.deleted', old.id from webhooks w where w.chat_id = old.id order by w.id
    returning id, webhook_id
  )
  insert into jobs (kind, order_key, payload)
  select 'webhook', 'webhook:' || webhook_id, jsonb_build_object('delivery_id', id) from told order by told.id;
  return null;
end $$;
alter table jobs drop column lane;
