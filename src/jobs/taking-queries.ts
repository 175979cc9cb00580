// Taking jobs. Any server takes any job: `for update skip locked` gives each to one of them.
import { z } from "zod";
import { many, type Fragment, type Sql } from "../database/connect.ts";

/** Jobs of a kind that are wanted. */
export interface Wanted {
  readonly kind: string;
  readonly limit: number;
  /** Jobs of one lane that may run on this server at once; undefined: `limit`. */
  readonly perLane?: number | undefined;
  /** Jobs behind each that is taken, with its order key, that are told of with it; undefined: none. */
  readonly following?: number | undefined;
}

/** Jobs of a lane that run on this server. */
export interface LaneLoad {
  readonly kind: string;
  readonly lane: string;
  readonly running: number;
}

/**
 * Due jobs that are looked at for each that is taken, where lanes may be full. A lane that fills up in one look is passed by in the next
 * one, so that what is due behind more of its jobs than that is found then.
 */
const lookedPerTaken = 4;

const BehindJob = z.object({ id: z.int(), payload: z.unknown(), attempts: z.int() });

const TakenJob = z.object({
  id: z.int(),
  kind: z.string(),
  order_key: z.string().nullable(),
  lane: z.string().nullable(),
  payload: z.unknown(),
  attempts: z.int(),
  /** Due jobs right behind it. They are not taken themselves: nobody takes them as long as this one is there. */
  following: z.array(BehindJob),
});
export type TakenJob = z.infer<typeof TakenJob>;

/** The CTE `due`: the ids of jobs that may be taken now, as many of each kind and lane as `wanted` and `loads` allow. */
const dueJobs = (sql: Sql): Fragment => sql`
  due as materialized (
    select job.id
    from wanted
    cross join lateral (
      select id from (
        select looked.id, looked.due_at, looked.lane,
          coalesce(loads.running, 0) + row_number() over (partition by looked.lane order by looked.due_at, looked.id) as place
        from (
          select j.id, j.due_at, j.lane from jobs j
          where j.kind = wanted.kind and j.dead_at is null and j.due_at <= now()
            and not exists (
              select from jobs other
              where other.order_key = j.order_key and other.dead_at is null and other.id <> j.id
                and (other.id < j.id or (other.is_running and other.due_at > now()))
            )
            and not exists (
              select from loads where loads.kind = j.kind and loads.lane = j.lane and loads.running >= wanted.per_lane
            )
          order by j.due_at, j.id
          limit wanted.looked
          for update of j skip locked
        ) looked
        left join loads on loads.kind = wanted.kind and loads.lane = looked.lane
      ) placed
      where lane is null or place <= wanted.per_lane
      order by due_at, id
      limit wanted.size
    ) job
  )
`;

/**
 * Takes jobs that are due. Other servers leave them alone until their lease ends; after a crash they are due again then. Of the jobs with one
 * order key only the first is taken, and only while none of them runs. One that was taken before is taken without those behind it, so that
 * of several jobs the one that ends its server each time is found. A pass over a table without jobs writes nothing.
 * @param loads lanes of which this server runs jobs
 */
export async function takeJobs(
  sql: Sql,
  wanted: readonly Wanted[],
  leaseMs: number,
  loads: readonly LaneLoad[] = [],
): Promise<TakenJob[]> {
  return many(
    await sql`
      with loads as (
        select * from unnest(
          ${loads.map(({ kind }) => kind)}::text[],
          ${loads.map(({ lane }) => lane)}::text[],
          ${loads.map(({ running }) => running)}::int[]
        ) as loads (kind, lane, running)
      ),
      wanted as (
        select * from unnest(
          ${wanted.map(({ kind }) => kind)}::text[],
          ${wanted.map(({ limit }) => limit)}::int[],
          ${wanted.map(({ limit, perLane }) => (perLane === undefined ? limit : limit * lookedPerTaken))}::int[],
          ${wanted.map(({ limit, perLane }) => perLane ?? limit)}::int[],
          ${wanted.map(({ following = 0 }) => following)}::int[]
        ) as wanted (kind, size, looked, per_lane, following)
      ),
      ${dueJobs(sql)},
      taken as (
        update jobs j
        set attempts = j.attempts + 1, is_running = true, due_at = now() + ${leaseMs} * interval '1 millisecond'
        from due
        where j.id = due.id
        returning j.id, j.kind, j.order_key, j.lane, j.payload, j.attempts
      )
      select taken.*, behind.following
      from taken
      join wanted on wanted.kind = taken.kind
      cross join lateral (
        select coalesce(
          jsonb_agg(jsonb_build_object('id', id, 'payload', payload, 'attempts', attempts) order by id), '[]'
        ) as following
        from (
          select j.id, j.payload, j.attempts,
            bool_and(j.kind = taken.kind and j.due_at <= now() and not j.is_running) over (order by j.id) as is_next
          from jobs j
          where j.order_key = taken.order_key and j.id > taken.id and j.dead_at is null and taken.attempts = 1
          order by j.id limit wanted.following
        ) next
        where is_next
      ) behind
      order by taken.id
    `,
    TakenJob,
  );
}
