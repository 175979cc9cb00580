// The table of the jobs. Any server takes any job: `for update skip locked` gives each to one of them.
import { z } from "zod";
import { many, one, type Fragment, type Sql } from "../database/connect.ts";
import type { NewJob } from "./jobs.ts";

/** A value, or an SQL expression where only the statement knows it. */
type Known<T> = T | Fragment;

/** As {@link NewJob}, with members that only the statement knows. */
export type StoredJob = Pick<NewJob, "kind" | "afterMs"> & {
  orderKey?: Known<string> | undefined;
  payload: NewJob["payload"] | Fragment;
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
  const { kind, orderKey, payload, afterMs = 0 } = job;
  return sql`
    insert into jobs (kind, order_key, payload, due_at)
    select ${kind}::text, ${orderKey ?? null}::text, ${isFragment(payload) ? payload : sql.json(payload)}::jsonb,
      now() + ${afterMs} * interval '1 millisecond'
    ${from}
  `;
}

/** Stores a job by itself. */
export async function addJob(sql: Sql, job: NewJob): Promise<void> {
  await insertJob(sql, job);
}

/** Jobs of a kind that are wanted. */
export interface Wanted {
  readonly kind: string;
  readonly limit: number;
}

const TakenJob = z.object({
  id: z.int(),
  kind: z.string(),
  order_key: z.string().nullable(),
  payload: z.unknown(),
  attempts: z.int(),
});
export type TakenJob = z.infer<typeof TakenJob>;

/**
 * Takes jobs that are due. Other servers leave them alone until their lease ends; after a crash they are due again then. Of the jobs with one
 * order key only the first is taken, and only while none of them runs. A pass over a table without jobs writes nothing.
 */
export async function takeJobs(
  sql: Sql,
  wanted: readonly Wanted[],
  leaseMs: number,
): Promise<TakenJob[]> {
  return many(
    await sql`
      with due as materialized (
        select job.id
        from unnest(
          ${wanted.map(({ kind }) => kind)}::text[],
          ${wanted.map(({ limit }) => limit)}::int[]
        ) as wanted (kind, size)
        cross join lateral (
          select j.id from jobs j
          where j.kind = wanted.kind and j.dead_at is null and j.due_at <= now()
            and not exists (
              select from jobs other
              where other.order_key = j.order_key and other.dead_at is null and other.id <> j.id
                and (other.id < j.id or (other.is_running and other.due_at > now()))
            )
          order by j.due_at, j.id
          limit wanted.size
          for update of j skip locked
        ) job
      ),
      taken as (
        update jobs j
        set attempts = j.attempts + 1, is_running = true, due_at = now() + ${leaseMs} * interval '1 millisecond'
        from due
        where j.id = due.id
        returning j.id, j.kind, j.order_key, j.payload, j.attempts
      )
      select * from taken order by id
    `,
    TakenJob,
  );
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

/** Removes a job that is done, unless another server has taken it meanwhile. */
export async function deleteJob(sql: Sql, { id, attempts }: Held): Promise<void> {
  await sql`delete from jobs where id = ${id} and attempts = ${attempts}`;
}

/**
 * Has a job taken again later. Those that wait for it are not due earlier, so that looks for jobs pass them by.
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
    update jobs
    set is_running = false, dead_at = now(), error = ${error},
      payload = case when ${isPersonal} then '{}' else payload end,
      order_key = case when ${isPersonal} then null else order_key end
    where id = ${id} and attempts = ${attempts} and dead_at is null
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
