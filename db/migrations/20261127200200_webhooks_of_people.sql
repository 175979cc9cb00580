-- migrate:up

-- For the export of an account, and for its deletion, which also removes what the person has added to chats.
create index webhooks_user_id_id_idx on webhooks (user_id, id);

-- migrate:down
drop index webhooks_user_id_id_idx;
