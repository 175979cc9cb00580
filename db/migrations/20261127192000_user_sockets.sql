-- migrate:up
-- How many sockets people have on each server, by its id in presence_servers. What belongs to a server whose lease has expired does
-- not count. One row for each person, so that servers that open sockets at the same moment see each other's.
create table user_sockets (
  user_id bigint primary key references users on delete cascade,
  counts jsonb not null
);

-- migrate:down
drop table user_sockets;
