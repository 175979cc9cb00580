// Deliveries of webhooks: noting how a try has ended, listing them, sending one again, and removing old ones.
import { z } from "zod";
import { insertMailJob } from "../accounts/mail-jobs.ts";
import { many, maybe, one, type Sql } from "../database/connect.ts";
import { insertJob } from "../jobs/queries.ts";
import { webhookLane } from "./log-queries.ts";
import { deliveriesMax, Delivery, testEvent } from "../wire/webhooks.ts";

/** The kind of the jobs that send an event once, beside the order: a test, or a delivery that somebody sends again. */
export const againKind = "webhook_again";

/** A webhook for which every try has failed for so long is turned off. */
const failingDays = 3;
const keptDays = 30;

/** How the try of a delivery has ended; skipped: there was nothing to tell any more, and nobody was called. */
export interface Attempt {
  readonly deliveryId: number;
  readonly outcome: "delivered" | "failed" | "retried" | "skipped";
  readonly responseStatus: number | null;
  readonly durationMs: number | null;
  readonly error: string | null;
  /** Whether the webhook has said that it wants no more. */
  readonly isGone: boolean;
  /** For how long it has been over. */
  readonly agoMs: number;
}

const Noted = z.object({ is_off: z.boolean() });

interface Noting {
  webhookId: number;
  /** Whether they say something about the webhook: tests do not. */
  counts: boolean;
  /** Whether it was sent beside the order. Then the delivery may have been settled before. */
  isAgain: boolean;
  isMailed: boolean;
}

/**
 * Notes how tries to tell one webhook have ended, the earliest first, of which only the last one may have failed. A webhook that is gone, or
 * for which every try has failed for three days, is turned off, and its owner is sent a mail.
 * @returns whether the webhook was turned off by this
 */
export async function noteAttempts(
  sql: Sql,
  attempts: readonly Attempt[],
  { webhookId, counts, isAgain, isMailed }: Noting,
): Promise<boolean> {
  const column = <Key extends keyof Attempt>(key: Key) => attempts.map((attempt) => attempt[key]);
  const tries = attempts.filter(({ outcome }) => outcome !== "skipped");
  const isTaken = tries.some(({ outcome }) => outcome === "delivered");
  const isFailing = tries.some(({ outcome }) => outcome !== "delivered");
  const isGone = tries.some((attempt) => attempt.isGone);
  // It has been failing since before these tries, unless one of them was taken.
  const since = sql`case when not ${isTaken} then w.failing_since end`;
  const isTooLong = sql`coalesce(${since} < now() - ${failingDays} * interval '1 day', false)`;
  const row = one(
    await sql`
      with tried as (
        select * from unnest(
          ${column("deliveryId")}::bigint[], ${column("outcome")}::text[], ${column("responseStatus")}::int[],
          ${column("durationMs")}::int[], ${column("error")}::text[], ${column("agoMs")}::int[]
        ) as tried (id, outcome, response_status, duration_ms, error, ago_ms)
      ),
      skipped as (
        update webhook_deliveries d set status = 'skipped'
        from tried where d.id = tried.id and tried.outcome = 'skipped' and d.status = 'pending'
      ),
      noted as (
        update webhook_deliveries d
        -- What was delivered meanwhile stays so, when a try of it once more has failed.
        set status = case when tried.outcome = 'retried' then d.status else tried.outcome end, attempts = d.attempts + 1,
          response_status = tried.response_status, duration_ms = tried.duration_ms, error = tried.error,
          attempted_at = now() - tried.ago_ms * interval '1 millisecond'
        from tried
        where d.id = tried.id and tried.outcome <> 'skipped' and (d.status = 'pending' or ${isAgain})
      ),
      changed as (
        update webhooks w
        set failing_since = case when ${isFailing} then coalesce(${since}, now()) end,
            is_enabled = not ${isFailing} or not (${isGone} or ${isTooLong}),
            off_reason = case when not ${isFailing} then null when ${isGone} then 'gone' when ${isTooLong} then 'failing' end
        where w.id = ${webhookId} and w.is_enabled and ${counts}
          and (${isFailing} or (${isTaken} and w.failing_since is not null))
        returning w.*
      ),
      off as (
        select changed.*, u.email, u.username from changed join users u on u.id = changed.user_id where not is_enabled
      ),
      mailed as (${insertMailJob(
        sql,
        {
          payload: sql`jsonb_build_object(
            'kind', 'webhook_off', 'email', off.email, 'username', off.username, 'url', off.url, 'is_gone', off.off_reason = 'gone'
          )`,
          email: sql`off.email`,
        },
        sql`from off where ${isMailed} and off.email <> ''`,
      )})
      select exists (select from off) as is_off
    `,
    Noted,
  );
  return row.is_off;
}

/** The columns of a Delivery, from `webhook_deliveries d`. */
const deliveryColumns = (sql: Sql) => sql`
  d.id, d.event_id, d.type, d.chat_id, d.seq, d.status, d.attempts, d.response_status, d.duration_ms, d.error, d.created_at,
  d.attempted_at
`;

/** The latest deliveries of a webhook, the latest first. */
export async function findDeliveries(sql: Sql, webhookId: number): Promise<Delivery[]> {
  return many(
    await sql`
      select ${deliveryColumns(sql)}, case when d.status = 'pending' and d.attempts > 0 then j.due_at end as next_attempt_at
      from (
        select * from webhook_deliveries where webhook_id = ${webhookId} order by id desc limit ${deliveriesMax}
      ) d
      left join jobs j on j.order_key = 'webhook:' || d.webhook_id and j.dead_at is null
        and j.payload = jsonb_build_object('delivery_id', d.id)
      order by d.id desc
    `,
    Delivery,
  );
}

/** The SQL that stores a job which sends a delivery once. @param from a CTE with its id */
const insertAgainJob = (sql: Sql, webhookId: number, from: "stored" | "found") =>
  insertJob(
    sql,
    {
      kind: againKind,
      lane: webhookLane(sql, webhookId),
      payload: sql.unsafe(`jsonb_build_object('delivery_id', ${from}.id)`),
    },
    sql.unsafe(`from ${from}`),
  );

/** Stores a test event, with the job that sends it. */
export async function insertTest(sql: Sql, webhookId: number): Promise<Delivery | undefined> {
  return maybe(
    await sql`
      with stored as (
        insert into webhook_deliveries as d (webhook_id, type)
        select id, ${testEvent} from webhooks where id = ${webhookId}
        returning ${deliveryColumns(sql)}
      ),
      job as (${insertAgainJob(sql, webhookId, "stored")})
      select *, null as next_attempt_at from stored
    `,
    Delivery,
  );
}

/** Stores a job that sends a delivery once more. @returns undefined if the webhook has no such delivery */
export async function sendAgain(
  sql: Sql,
  webhookId: number,
  deliveryId: number,
): Promise<Delivery | undefined> {
  return maybe(
    await sql`
      with found as materialized (
        select ${deliveryColumns(sql)} from webhook_deliveries d where d.id = ${deliveryId} and d.webhook_id = ${webhookId}
      ),
      job as (${insertAgainJob(sql, webhookId, "found")})
      select *, null as next_attempt_at from found
    `,
    Delivery,
  );
}

/**
 * Removes deliveries that nobody can look at any more, and webhooks of deleted chats that were told of it.
 * @returns how many rows
 */
export async function deleteOldDeliveries(sql: Sql, limit: number): Promise<number> {
  const row = one(
    await sql`
      with old as (
        delete from webhook_deliveries
        where id in (
          select d.id from webhooks w
          cross join lateral (
            select id from webhook_deliveries
            where webhook_id = w.id and status <> 'pending' and (
              id <= (
                select id from webhook_deliveries where webhook_id = w.id order by id desc offset ${deliveriesMax} limit 1
              )
              or created_at < now() - ${keptDays} * interval '1 day'
            )
            order by id limit ${limit}
          ) d
          limit ${limit}
        )
        returning id
      ),
      left_over as (
        delete from webhooks w
        where w.chat_id is not null and not exists (select from chats c where c.id = w.chat_id)
          and not exists (select from webhook_deliveries d where d.webhook_id = w.id and d.status = 'pending')
        returning id
      )
      select (select count(*)::int from old) + (select count(*)::int from left_over) as removed
    `,
    z.object({ removed: z.int() }),
  );
  return row.removed;
}
