-- migrate:up

-- The secret of a person's authenticator app (RFC 6238). It has to be known to check codes, so it is kept as it is.
-- confirmed_at: when the person has shown that the app has it; until then signing in does not ask for codes.
-- last_step: the time step of the last code that was used, so that no code works twice.
create table totp_secrets (
  user_id bigint primary key references users (id) on delete cascade,
  secret bytea not null check (octet_length(secret) between 16 and 64),
  created_at timestamptz not null default now(),
  confirmed_at timestamptz,
  last_step bigint not null default 0
);

-- Codes for a person who has lost the app. Each works once, and only its SHA-256 is kept.
create table recovery_codes (
  user_id bigint not null references users (id) on delete cascade,
  code_hash bytea not null,
  primary key (user_id, code_hash)
);

-- Sign-ins whose password was right and whose code is missing. Only the SHA-256 of a ticket is kept. password_digest: the SHA-256 of the
-- password hash that was verified, since a ticket ends with a change of the password.
create table sign_in_tickets (
  ticket_hash bytea primary key,
  user_id bigint not null references users (id) on delete cascade,
  password_digest bytea not null,
  expires_at timestamptz not null,
  failures integer not null default 0 check (failures >= 0)
);

create index sign_in_tickets_user_id_idx on sign_in_tickets (user_id);
create index sign_in_tickets_expires_at_idx on sign_in_tickets (expires_at);

-- migrate:down
drop table sign_in_tickets;
drop table recovery_codes;
drop table totp_secrets;
