-- migrate:up
-- keeps data: only an index is dropped, and a wider one replaces it

-- A person's reports are exported in the order of their ids. Without the id in it, the planner would rather look through the reports of
-- everybody in that order.
create index message_reports_user_id_id_idx on message_reports (user_id, id);
drop index message_reports_user_id_idx;

-- Most reports are resolved at some time, and a page of the open ones should not read those.
create index message_reports_chat_id_open_idx on message_reports (chat_id, id) where resolved_at is null;

-- migrate:down
-- keeps data: only an index is dropped, and a narrower one replaces it
create index message_reports_user_id_idx on message_reports (user_id);
drop index message_reports_user_id_id_idx;
drop index message_reports_chat_id_open_idx;
