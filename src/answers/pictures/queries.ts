// The number of pictures that people and chats have requested.
import { z } from "zod";
import { one, type Sql } from "../../database/connect.ts";
import { today, type Lease } from "../budget/queries.ts";

const Counted = z.object({ refused: z.enum(["user", "chat"]).nullable() });

/**
 * Counts one picture for the person and the chat of a run, if neither has used up the day: both or neither.
 * @param limits 0 for no limit
 * @returns whose pictures are used up; null when it was counted
 */
export async function countPicture(
  sql: Sql,
  lease: Lease,
  limits: { user: number; chat: number },
): Promise<"user" | "chat" | null> {
  await sql`
    insert into picture_counts (day, scope, scope_id, pictures)
    select ${today(sql)}, scope, scope_id, 0
    from answer_runs r
    cross join lateral (values ('chat', r.chat_id), ('user', r.user_id)) counts (scope, scope_id)
    where r.id = ${lease.id} and scope_id is not null
    on conflict do nothing
  `;
  const { refused } = one(
    await sql`
      with run as materialized (
        select chat_id, user_id from answer_runs where id = ${lease.id} and attempt = ${lease.attempt}
      ),
      -- In the same order in all statements, so that two never wait for each other.
      counts as materialized (
        select c.scope, c.scope_id, c.pictures from picture_counts c, run
        where c.day = ${today(sql)}
          and ((c.scope = 'chat' and c.scope_id = run.chat_id) or (c.scope = 'user' and c.scope_id = run.user_id))
        order by c.scope, c.scope_id
        for update of c
      ),
      verdict as materialized (
        select min(scope) filter (
          where (scope = 'user' and ${limits.user > 0} and pictures >= ${limits.user})
            or (scope = 'chat' and ${limits.chat > 0} and pictures >= ${limits.chat})
        ) as refused
        from counts
      ),
      counted as (
        update picture_counts c set pictures = c.pictures + 1
        from counts, verdict
        where c.day = ${today(sql)} and c.scope = counts.scope and c.scope_id = counts.scope_id and verdict.refused is null
      )
      select refused from verdict
    `,
    Counted,
  );
  return refused;
}

/** Takes a picture back that the model has refused to make, which costs nothing. */
export async function uncountPicture(sql: Sql, lease: Lease): Promise<void> {
  await sql`
    update picture_counts c set pictures = greatest(0, c.pictures - 1)
    from answer_runs r
    where r.id = ${lease.id} and r.attempt = ${lease.attempt} and c.day = ${today(sql)}
      and ((c.scope = 'chat' and c.scope_id = r.chat_id) or (c.scope = 'user' and c.scope_id = r.user_id))
  `;
}

/** Deletes the counts of days that are over for a while. */
export async function deleteOldPictureCounts(sql: Sql): Promise<void> {
  await sql`delete from picture_counts where day < ${today(sql)} - 2`;
}
