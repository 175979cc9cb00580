// Deleting the rows that nobody needs any more.
import { z } from "zod";
import { one, type Sql } from "../database/connect.ts";

/**
 * Deletes up to `limit` rows of servers that ended more than a minute ago, having noted when their people were last seen, and the
 * servers that have none.
 * @returns the number of rows
 */
export async function deleteEndedServers(sql: Sql, limit: number): Promise<number> {
  const row = one(
    await sql`
      with ended as materialized (
        select id, renewed_at from presence_servers
        where expires_at < now() - interval '1 minute'
        order by expires_at limit 10
        for update skip locked
      ),
      gone as (
        delete from presence
        where (user_id, server_id) in (
          select p.user_id, p.server_id from ended join presence p on p.server_id = ended.id limit ${limit}
        )
        returning user_id, server_id, status
      ),
      seen as (
        insert into last_seen (user_id, last_seen_at)
        select gone.user_id, max(ended.renewed_at)
        from gone
        join ended on ended.id = gone.server_id
        join users u on u.id = gone.user_id
        where gone.status <> 'offline' and u.presence = 'visible'
        group by gone.user_id
        order by gone.user_id
        on conflict (user_id) do update
        set last_seen_at = greatest(last_seen.last_seen_at, excluded.last_seen_at)
      ),
      finished as (
        delete from presence_servers v using ended
        where v.id = ended.id and not exists (select from presence p where p.server_id = v.id)
      )
      select count(*)::int as rows from gone
    `,
    z.object({ rows: z.int() }),
  );
  return row.rows;
}

/** Deletes up to `limit` membership changes that are older than an hour. @returns the number of rows */
export async function deleteOldMembershipChanges(sql: Sql, limit: number): Promise<number> {
  const row = one(
    await sql`
      with old as (
        delete from membership_changes
        where ctid = any (array(
          select ctid from membership_changes where changed_at < now() - interval '1 hour' limit ${limit}
        ))
        returning user_id
      )
      select count(*)::int as rows from old
    `,
    z.object({ rows: z.int() }),
  );
  return row.rows;
}
