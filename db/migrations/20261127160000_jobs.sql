-- migrate:up

-- Work that runs later. due_at: when a server may take it; the one that does moves it on, which is its lease. attempts: how often it was
-- taken; a server that takes it again ends the right of the one before. order_key: jobs with the same key run one after the other, in the
-- order of their ids. lane: a server runs only a few jobs of one lane at once, such as those of one person, so that nobody takes all the
-- places of a kind. dead_at: when it was given up.
create table jobs (
  id bigint primary key generated always as identity,
  kind text not null check (kind ~ '^[a-z_]{1,40}$'),
  order_key text check (char_length(order_key) between 1 and 100),
  lane text check (char_length(lane) between 1 and 100),
  payload jsonb not null check (pg_column_size(payload) <= 16384),
  attempts int not null default 0,
  is_running boolean not null default false,
  created_at timestamptz not null default now(),
  due_at timestamptz not null default now(),
  dead_at timestamptz,
  error text check (char_length(error) <= 200)
) with (fillfactor = 70);
create index jobs_due_idx on jobs (kind, due_at, id) where dead_at is null;
create index jobs_order_key_idx on jobs (order_key, id) where dead_at is null and order_key is not null;
create index jobs_dead_at_idx on jobs (dead_at) where dead_at is not null;

-- migrate:down
drop table jobs;
