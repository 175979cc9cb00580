-- migrate:up
-- keeps data: only the new column is written

-- joined_seq: the chat's number with which the person came. They count as a reader of nothing that is older.
-- last_read_at: when the read position last moved; null if it has not moved since such times are kept.
alter table chat_participants
  add column joined_seq bigint not null default 0 check (joined_seq >= 0),
  add column last_read_at timestamptz;

update chat_participants p
set joined_seq = added.seq
from (
  select chat_id, user_id, max(seq) as seq from chat_changes where kind = 'participant_added' group by chat_id, user_id
) added
where p.chat_id = added.chat_id and p.user_id = added.user_id;

-- migrate:down
alter table chat_participants drop column last_read_at, drop column joined_seq;
