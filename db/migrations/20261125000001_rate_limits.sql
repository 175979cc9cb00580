-- migrate:up

-- Counters of requests, sends and failed sign-ins, where several servers share them (RATE_LIMITS=postgres), as
-- rate-limiter-flexible lays them out: `expire` is when the window ends, in milliseconds since the epoch. Unlogged: they
-- are written with every request, and a crash that forgets them does no harm. Half of a page is left free, so that a row
-- finds room for its next version beside it.
create unlogged table rate_limits (
  key varchar(255) primary key,
  points integer not null default 0,
  expire bigint
) with (fillfactor = 50);

-- migrate:down
drop table rate_limits;
