-- migrate:up

-- Deletes accounts of incoming webhooks that have no messages, as others are: the row stays, since the foreign keys of all messages would
-- be checked without it. The name is free again. An account of a person or of a bot is left alone.
create function end_hook_accounts(accounts bigint[]) returns void language sql volatile as $$
  update users
  set username = 'Deleted user', email = '', hashed_password = '', display_name = null, bot_owner_id = null, deleted_at = now()
  where id = any (accounts) and bot_owner_id = id and deleted_at is null
$$;

-- The account of a webhook that has posted goes with its messages.
create function end_accounts_of_hooks() returns trigger language plpgsql as $$
begin
  perform end_hook_accounts(array(select user_id from gone where last_used_at is null));
  return null;
end $$;

create trigger end_accounts after delete on incoming_webhooks
  referencing old table as gone for each statement execute function end_accounts_of_hooks();

-- migrate:down
drop trigger end_accounts on incoming_webhooks;
drop function end_accounts_of_hooks;
drop function end_hook_accounts;
