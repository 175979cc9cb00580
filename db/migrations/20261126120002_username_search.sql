-- migrate:up

-- All pairs of characters that follow each other in a username, without regard to case: those that begin at odd places, then
-- those at even ones. The last element of each half is the character that is left, or nothing.
create function username_bigrams(name text) returns text[]
language sql immutable strict parallel safe cost 100
return string_to_array(regexp_replace(lower(name), '(..)', '\1 ', 'g'), ' ')
  || string_to_array(regexp_replace(substr(lower(name), 2), '(..)', '\1 ', 'g'), ' ');

-- Finds usernames by any part of two characters and more: those with all bigrams of the part, which are then compared. An
-- index of trigrams would need an extension, and could not find parts of two characters. Every search reads the pending entries, so
-- that they may be 256 kB at most.
create index users_username_bigrams_idx on users using gin (username_bigrams(username)) with (gin_pending_list_limit = 256);

-- The names that begin with a text, in their order.
create index users_username_order_idx on users (lower(username) collate "C");

-- migrate:down
drop index users_username_order_idx;
drop index users_username_bigrams_idx;
drop function username_bigrams;
