-- migrate:up

-- When the person has shown that the email address is theirs; null: not yet.
alter table users add column email_verified_at timestamptz;

-- Links that were sent by mail. Only the SHA-256 of a link's secret is kept. email: the address that it was sent to.
create table mail_links (
  link_hash bytea primary key,
  user_id bigint not null references users (id) on delete cascade,
  purpose text not null check (purpose in ('verify_email', 'reset_password')),
  email text not null check (char_length(email) between 3 and 254),
  created_at timestamptz not null default now(),
  expires_at timestamptz not null
);

create index mail_links_user_id_idx on mail_links (user_id, purpose, created_at);
create index mail_links_created_at_idx on mail_links (created_at);

-- Volatile, so that it counts the links of statements that have committed meanwhile.
create function mail_links_of(person bigint, kind text) returns bigint
language sql volatile as $$
  select count(*) from mail_links where user_id = person and purpose = kind and created_at > now() - interval '1 hour'
$$;

-- migrate:down
drop function mail_links_of;
drop table mail_links;
alter table users drop column email_verified_at;
