// The table of the jobs: storing them, holding them while they run, and noting how they have ended.
import { z } from "zod";
import { many, one, type Fragment, type Sql } from "../database/connect.ts";
import type { NewJob } from "./jobs.ts";
import type { TakenJob } from "./taking-queries.ts";

/** A value, or an SQL expression where only the statement knows it. */
type Known<T> = T | Fragment;

/** As {@link NewJob}, with members that only the statement knows. */
export type StoredJob = Pick<NewJob, "kind"> & {
  orderKey?: Known<string> | undefined;
  lane?: Known<string> | undefined;
  payload: NewJob["payload"] | Fragment;
  afterMs?: Known<number> | undefined;
};

function isFragment(value: unknown): value is Fragment {
  return value instanceof Promise;
}

/**
 * The SQL that stores jobs. It is part of the statement that causes them, so that both are stored or neither; the action wakes the queue
 * afterwards. Ids are not committed in their order: statements whose jobs have to run in order hold a lock in common, such as that of the
 * row to which their order key belongs.
 * @param from a clause such as `from stored order by stored.id`: it stores one job for each of its rows
 */
export function insertJob(sql: Sql, job: StoredJob, from: Fragment = sql``): Fragment {
  const { kind, orderKey, lane, payload, afterMs = 0 } = job;
  return sql`
    insert into jobs (kind, order_key, lane, payload, due_at)
    select ${kind}::text, ${orderKey ?? null}::text, ${lane ?? null}::text,
      ${isFragment(payload) ? payload : sql.json(payload)}::jsonb,
      now() + ${afterMs} * interval '1 millisecond'
    ${from}
  `;
}

/** Stores a job by itself. */
export async function addJob(sql: Sql, job: NewJob): Promise<void> {
  await insertJob(sql, job);
}

type Held = Pick<TakenJob, "id" | "attempts">;

/** Renews the leases of jobs that run. @returns the ids of those that this server still has */
export async function renewJobs(
  sql: Sql,
  held: readonly Held[],
  leaseMs: number,
): Promise<Set<number>> {
  const rows = await sql`
    update jobs j set due_at = now() + ${leaseMs} * interval '1 millisecond'
    from unnest(${held.map(({ id }) => id)}::bigint[], ${held.map(({ attempts }) => attempts)}::int[]) as held (id, attempts)
    where j.id = held.id and j.attempts = held.attempts and j.is_running and j.dead_at is null
    returning j.id
  `;
  return new Set(many(rows, z.object({ id: z.int() })).map(({ id }) => id));
}

/**
 * The SQL that puts the job after the one in the CTE `ended` behind all that is due, so that order keys take turns: otherwise the oldest backlogs
 * would take all places as long as they last.
 */
const queueNext = (sql: Sql) => sql`
  update jobs j set due_at = now()
  from ended
  cross join lateral (
    select id from jobs
    where order_key = ended.order_key and dead_at is null and id > ended.id
    order by id limit 1
  ) next
  where j.id = next.id and not j.is_running and j.due_at < now()
`;

/** Removes a job that is done, and those of the ones behind it that its run has done, unless another server has taken it meanwhile. */
export async function deleteJob(
  sql: Sql,
  { id, attempts }: Held,
  followingIds: readonly number[] = [],
): Promise<void> {
  await sql`
    with held as (
      delete from jobs where id = ${id} and attempts = ${attempts} returning id, order_key
    ),
    with_it as (
      delete from jobs j using held where j.id = any (${followingIds}::bigint[])
    ),
    ended as (select ${followingIds.at(-1) ?? id}::bigint as id, order_key from held)
    ${queueNext(sql)}
  `;
}

/**
 * As {@link deleteJob}, and takes the job behind the removed ones, so that no other server takes it before it is noted how that one has failed.
 * @returns false if another server has taken the first job meanwhile
 */
export async function passHold(
  sql: Sql,
  { id, attempts }: Held,
  { followingIds, next, leaseMs }: { followingIds: readonly number[]; next: Held; leaseMs: number },
): Promise<boolean> {
  const rows = await sql`
    with held as (
      delete from jobs where id = ${id} and attempts = ${attempts} returning id
    ),
    with_it as (
      delete from jobs j using held where j.id = any (${followingIds}::bigint[])
    )
    update jobs j
    set attempts = j.attempts + 1, is_running = true, due_at = now() + ${leaseMs} * interval '1 millisecond'
    from held
    where j.id = ${next.id} and j.attempts = ${next.attempts} and j.dead_at is null
    returning j.id
  `;
  return rows.length > 0;
}

/**
 * Postpones a job. Jobs that wait for it are not due earlier, so that looks for jobs pass them by.
 */
export async function postponeJob(
  sql: Sql,
  { id, attempts }: Held,
  { afterMs, error }: { afterMs: number; error: string },
): Promise<void> {
  await sql`
    with postponed as (
      update jobs set is_running = false, due_at = now() + ${afterMs} * interval '1 millisecond', error = ${error}
      where id = ${id} and attempts = ${attempts} and dead_at is null
      returning id, order_key, due_at
    )
    update jobs j set due_at = postponed.due_at
    from postponed
    where j.order_key = postponed.order_key and j.id > postponed.id and j.dead_at is null and j.due_at < postponed.due_at
  `;
}

/** The SQL that makes jobs with an order key due at once, except for one that runs. @param from a clause with the keys */
export function hurryJobs(sql: Sql, orderKey: Fragment, from: Fragment): Fragment {
  return sql`
    update jobs j set due_at = now() ${from}
    where j.order_key = ${orderKey} and j.dead_at is null and not j.is_running and j.due_at > now()
    returning j.id
  `;
}

/** Gives jobs back that have not been done: another server takes them at once, and this try does not count. */
export async function giveBackJobs(sql: Sql, held: readonly Held[]): Promise<void> {
  await sql`
    update jobs j set is_running = false, due_at = now(), attempts = j.attempts - 1
    from unnest(${held.map(({ id }) => id)}::bigint[], ${held.map(({ attempts }) => attempts)}::int[]) as held (id, attempts)
    where j.id = held.id and j.attempts = held.attempts and j.dead_at is null
  `;
}

/** Gives a job up. It is kept for a while, without a personal payload, so that an operator sees it, and holds up no other one. */
export async function buryJob(
  sql: Sql,
  { id, attempts }: Held,
  { error, isPersonal }: { error: string; isPersonal: boolean },
): Promise<void> {
  await sql`
    with before as materialized (select order_key from jobs where id = ${id}),
    buried as (
      update jobs
      set is_running = false, dead_at = now(), error = ${error},
        payload = case when ${isPersonal} then '{}' else payload end,
        order_key = case when ${isPersonal} then null else order_key end,
        lane = case when ${isPersonal} then null else lane end
      where id = ${id} and attempts = ${attempts} and dead_at is null
      returning id
    ),
    ended as (select buried.id, before.order_key from buried, before)
    ${queueNext(sql)}
  `;
}

const CountRow = z.object({
  waiting: z.int(),
  dead: z.int(),
  late_ms: z.coerce.number(),
});

/** Jobs that wait or run, those that were given up, and for how long the one that waits longest has been due, in milliseconds. */
export async function countJobs(
  sql: Sql,
): Promise<{ waiting: number; dead: number; lateMs: number }> {
  const row = one(
    await sql`
      select count(*) filter (where dead_at is null)::int as waiting, count(*) filter (where dead_at is not null)::int as dead,
        coalesce(
          extract(epoch from now() - min(due_at) filter (where dead_at is null and due_at < now())) * 1000, 0
        )::float8 as late_ms
      from jobs
    `,
    CountRow,
  );
  return { waiting: row.waiting, dead: row.dead, lateMs: row.late_ms };
}

/** Deletes jobs that were given up more than `days` ago, `limit` at most. @returns how many */
export async function deleteDeadJobs(sql: Sql, days: number, limit: number): Promise<number> {
  const rows = await sql`
    delete from jobs where id = any (array(
      select id from jobs where dead_at < now() - ${days} * interval '1 day' order by dead_at limit ${limit}
    ))
    returning id
  `;
  return rows.length;
}
