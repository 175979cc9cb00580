// The sockets of people on all servers, in the database.
import type { Logger } from "pino";
import { z } from "zod";
import type { Config } from "../config/config.ts";
import { many, withoutWaiting, type Sql } from "../database/connect.ts";
import type { ConnectedPeople } from "../presence/connected-people.ts";

export interface OwnCount {
  userId: number;
  /** Sockets of the person on this server. */
  count: number;
}

/**
 * Stores how many sockets people have on this server.
 * @returns how many of these they may have, by person: those on other servers count, too. People who don't exist are left out.
 */
export type CountSockets = (people: readonly OwnCount[]) => Promise<ReadonlyMap<number, number>>;

export interface Counting {
  readonly count: CountSockets;
  readonly log: Logger;
}

const GrantedRow = z.object({ user_id: z.int(), granted: z.int() });

/** @returns undefined where nothing says that there are several servers, or a person may have any number of sockets */
export function createCounting(
  sql: Sql,
  log: Logger,
  { bus, rates, socketsPerUserMax: max }: Config,
  servers: Pick<ConnectedPeople, "serverId" | "ready">,
): Counting | undefined {
  if (max === 0 || (!bus && rates.store !== "postgres")) return undefined;
  return {
    log,
    async count(people) {
      // A server without a lease counts as gone.
      await servers.ready();
      return await storeCounts(sql, servers.serverId, people, max);
    },
  };
}

async function storeCounts(
  sql: Sql,
  serverId: string,
  people: readonly OwnCount[],
  max: number,
): Promise<ReadonlyMap<number, number>> {
  const own = sql`${serverId}::text`;
  // The row as it is once this statement has locked it. Servers that are gone are left out from now on.
  const others = sql`
    from jsonb_each_text(s.counts) other
    where other.key <> ${own} and other.key in (select id::text from presence_servers where expires_at > now())
  `;
  const rows = many(
    await sql`
      with stored as (
        insert into user_sockets as s (user_id, counts)
        select id, jsonb_build_object(${own}, least(count, ${max}))
        from unnest(
          ${people.map(({ userId }) => userId)}::bigint[], ${people.map(({ count }) => count)}::int[]
        ) as own (user_id, count)
        join users on users.id = own.user_id
        order by id
        on conflict (user_id) do update
        set counts = (select coalesce(jsonb_object_agg(other.key, other.value::int), '{}') ${others})
          || jsonb_build_object(${own}, least(
            (excluded.counts ->> ${own})::int,
            greatest(0, ${max}::int - (select coalesce(sum(other.value::int), 0)::int ${others}))
          ))
        returning user_id, (counts ->> ${own})::int as granted
      )
      select user_id, granted, ${withoutWaiting(sql)} from stored
    `,
    GrantedRow,
  );
  return new Map(rows.map(({ user_id: userId, granted }) => [userId, granted]));
}
