-- migrate:up

-- All pairs of characters that follow each other in a username, without regard to case.
create function username_bigrams(name text) returns text[]
language sql immutable strict parallel safe cost 1000
return (
  select array_agg(distinct substr(lower(name), place, 2))
  from generate_series(1, length(name) - 1) as place
);

-- Finds usernames by any part of two characters and more: those with all bigrams of the part, which are then compared. An
-- index of trigrams would need an extension, and could not find parts of two characters. Registrations are rare, so no
-- list of pending entries makes searches slower.
create index users_username_bigrams_idx on users using gin (username_bigrams(username)) with (fastupdate = off);

-- The names that begin with a text, in their order.
create index users_username_order_idx on users (lower(username) collate "C");

-- migrate:down
drop index users_username_order_idx;
drop index users_username_bigrams_idx;
drop function username_bigrams;
