// Presence in the database. Leases are not waited for to reach the disk: after a crash of PostgreSQL they would be out of date anyway.
import { z } from "zod";
import { many, one, withoutWaiting, type Sql } from "../database/connect.ts";
import { isBlockBetween } from "../log/block-queries.ts";
import { UserPresence, type PresenceStatus } from "../wire/presence.ts";

/** Rows of changes that one call of {@link findChanges} tells of. */
export const changesMax = 5_000;

const RenewedRow = z.object({ was_live: z.boolean() });

/**
 * Renews the lease of a server, for which its people count as connected.
 * @returns false when there was no lease, or it had expired: then its people may have been deleted
 */
export async function renewLease(sql: Sql, serverId: string, leaseMs: number): Promise<boolean> {
  const expiresAt = sql`now() + ${leaseMs}::float8 * interval '1 millisecond'`;
  const row = one(
    await sql`
      with before as materialized (
        select expires_at > now() as is_live from presence_servers where id = ${serverId} for update
      ),
      renewed as (
        insert into presence_servers (id, expires_at)
        select ${serverId}::uuid, ${expiresAt} from (select count(*) from before) counted
        on conflict (id) do update set renewed_at = now(), expires_at = excluded.expires_at
      )
      select coalesce((select is_live from before), false) as was_live, ${withoutWaiting(sql)}
    `,
    RenewedRow,
  );
  return row.was_live;
}

/** Lets the lease of a server that shuts down expire after `leaseMs`, if it does not expire before. */
export async function shortenLease(sql: Sql, serverId: string, leaseMs: number): Promise<void> {
  await sql`
    update presence_servers
    set renewed_at = now(),
        expires_at = least(expires_at, now() + ${leaseMs}::float8 * interval '1 millisecond')
    where id = ${serverId}
    returning ${withoutWaiting(sql)}
  `;
}

export async function findLiveServers(sql: Sql): Promise<string[]> {
  const rows = await sql`select id::text from presence_servers where expires_at > now()`;
  return many(rows, z.object({ id: z.string() })).map(({ id }) => id);
}

export interface OwnPresence {
  userId: number;
  status: PresenceStatus;
  /** Milliseconds since the last client of somebody who is offline has gone. */
  goneForMs: number;
}

/**
 * Writes the statuses of people on one server. People who don't exist are left out. It waits for the disk, because the server never writes a
 * status again that it knows to be written: one that a crash of PostgreSQL had lost would be wrong for as long as it holds.
 */
export async function writePresence(
  sql: Sql,
  serverId: string,
  people: readonly OwnPresence[],
): Promise<void> {
  const ids = people.map(({ userId }) => userId);
  const statuses = people.map(({ status }) => status);
  const goneForMs = people.map((person) => person.goneForMs);
  // Every statement takes the rows of presence before those of last_seen, and both by user, so that none waits in a circle.
  await sql`
    with people as materialized (
      select p.user_id, p.status, p.gone_for_ms, u.presence = 'visible' as is_visible
      from unnest(${ids}::bigint[], ${statuses}::text[], ${goneForMs}::float8[]) as p (user_id, status, gone_for_ms)
      join users u on u.id = p.user_id
    ),
    written as (
      insert into presence (user_id, server_id, status)
      select user_id, ${serverId}::uuid, status from people order by user_id
      on conflict (user_id, server_id) do update
      set status = excluded.status, changed_xid = pg_current_xact_id()
      returning user_id
    ),
    seen as (
      insert into last_seen (user_id, last_seen_at)
      select p.user_id, now() - p.gone_for_ms * interval '1 millisecond'
      from written join people p on p.user_id = written.user_id
      where p.status = 'offline' and p.is_visible
      order by p.user_id
      on conflict (user_id) do update
      set last_seen_at = greatest(last_seen.last_seen_at, excluded.last_seen_at)
    )
    select count(*) from written
  `;
}

const Changes = z.object({
  cursor: z.string(),
  servers: z.array(z.string()),
  people: z.array(z.int()),
  members: z.array(z.int()),
});

export interface Changes {
  /** The place from which the next call goes on. */
  cursor: string;
  /** The servers whose leases have not expired. */
  servers: string[];
  /** People whose presence has changed on some server; undefined for more than {@link changesMax}. */
  people: number[] | undefined;
  /** People who came into a chat or left one; undefined for more than {@link changesMax}. */
  members: number[] | undefined;
}

/**
 * Finds what has changed since an earlier call, in whatever order transactions have committed.
 * @param cursor undefined for the first call, which tells of no changes
 */
export async function findChanges(sql: Sql, cursor: string | undefined): Promise<Changes> {
  // The cursor is the snapshot of the call before: what was not committed then is new. The first condition is for the index. A
  // restored backup may have transactions of another cluster, which lie in the future here.
  const before = sql`${cursor ?? null}::text::pg_snapshot`;
  const isNew = sql`
    changed_xid >= pg_snapshot_xmin(${before})
    and changed_xid < pg_snapshot_xmax(pg_current_snapshot())
    and not pg_visible_in_snapshot(changed_xid, ${before})
  `;
  const found = one(
    await sql`
      select
        pg_current_snapshot()::text as cursor,
        array(select id::text from presence_servers where expires_at > now() order by id) as servers,
        array(select user_id from presence where ${isNew} limit ${changesMax + 1}) as people,
        array(select user_id from membership_changes where ${isNew} limit ${changesMax + 1}) as members
    `,
    Changes,
  );
  const unlessMany = (ids: number[]) => (ids.length > changesMax ? undefined : [...new Set(ids)]);
  return { ...found, people: unlessMany(found.people), members: unlessMany(found.members) };
}

/** A person who watches, and one who is watched. */
export interface Pair {
  watcherId: number;
  userId: number;
}

const TogetherRow = z.object({ together: z.boolean() });

/**
 * Whether the two people of each pair are in a chat together, and neither has blocked the other. Everybody is together with
 * themselves.
 */
export async function areTogether(sql: Sql, pairs: readonly Pair[]): Promise<boolean[]> {
  const rows = many(
    await sql`
      select pair.watcher_id = pair.user_id or (
        exists (
          select from chat_participants me
          join chat_participants p on p.chat_id = me.chat_id
          where me.user_id = pair.watcher_id and p.user_id = pair.user_id
        )
        and not ${isBlockBetween(sql, sql`pair.watcher_id`, sql`pair.user_id`)}
      ) as together
      from unnest(
        ${pairs.map(({ watcherId }) => watcherId)}::bigint[],
        ${pairs.map(({ userId }) => userId)}::bigint[]
      ) with ordinality as pair (watcher_id, user_id, place)
      order by pair.place
    `,
    TogetherRow,
  );
  return rows.map(({ together }) => together);
}

/** The status of people as others are shown it. Those who don't exist are left out. */
export async function findPresence(sql: Sql, userIds: readonly number[]): Promise<UserPresence[]> {
  return many(
    await sql`
      select user_id, status, case when status = 'offline' then last_seen_at end as last_seen_at
      from (
        select u.id as user_id,
          case
            when u.presence = 'invisible' then 'offline'
            when here.is_online then 'online'
            when here.is_away then 'away'
            else 'offline'
          end as status,
          case when u.presence = 'invisible' then s.last_seen_at
            else greatest(s.last_seen_at, here.lost_at)
          end as last_seen_at
        from users u
        left join last_seen s on s.user_id = u.id
        left join lateral (
          select
            bool_or(v.expires_at > now() and p.status = 'online') as is_online,
            bool_or(v.expires_at > now() and p.status = 'away') as is_away,
            max(v.renewed_at) filter (where v.expires_at <= now() and p.status <> 'offline') as lost_at
          from presence p join presence_servers v on v.id = p.server_id
          where p.user_id = u.id
        ) here on true
        where u.id = any (${[...userIds]}::bigint[])
      ) shown
    `,
    UserPresence,
  );
}
