-- migrate:up
-- keeps data: it fills a column that is new

-- What a person recognises a session by, as of its last sign-in or refresh. It goes with the session.
alter table sessions
  add column last_used_at timestamptz not null default now(),
  add column address text check (char_length(address) <= 64),
  add column user_agent text check (char_length(user_agent) <= 256);

-- keeps data: only a column that is new here is written.
update sessions set last_used_at = created_at;

-- migrate:down
alter table sessions
  drop column last_used_at,
  drop column address,
  drop column user_agent;
