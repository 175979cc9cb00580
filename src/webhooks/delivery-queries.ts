// Deliveries of webhooks: noting how a try has ended, listing them, sending one again, and removing old ones.
import { z } from "zod";
import { insertMailJob } from "../accounts/mail-jobs.ts";
import { many, maybe, one, type Sql } from "../database/connect.ts";
import { insertJob } from "../jobs/queries.ts";
import type { DueDelivery } from "./due-delivery-queries.ts";
import { webhookLane } from "./log-queries.ts";
import { deliveriesMax, Delivery, testEvent } from "../wire/webhooks.ts";

/** The kind of the jobs that send an event once, beside the order: a test, or a delivery that somebody sends again. */
export const againKind = "webhook_again";

/** A webhook for which every try has failed for so long is turned off. */
const failingDays = 3;
const keptDays = 30;

/** Notes that there is nothing to tell any more. */
export async function skipDelivery(sql: Sql, deliveryId: number): Promise<void> {
  await sql`update webhook_deliveries set status = 'skipped' where id = ${deliveryId} and status = 'pending'`;
}

export interface Attempt {
  readonly outcome: "delivered" | "failed" | "retried";
  readonly responseStatus: number | null;
  readonly durationMs: number;
  readonly error: string | null;
  /** Whether the webhook has said that it wants no more. */
  readonly isGone: boolean;
}

const Noted = z.object({ is_off: z.boolean() });

/**
 * Notes how a try has ended. A webhook that is gone, or for which every try has failed for three days, is turned off, and its owner is sent
 * a mail. Tests count neither way.
 * @returns whether the webhook was turned off by this
 */
export async function noteAttempt(
  sql: Sql,
  { id, webhook_id: webhookId, type }: Pick<DueDelivery, "id" | "webhook_id" | "type">,
  { outcome, responseStatus, durationMs, error, isGone }: Attempt,
  { isMailed }: { isMailed: boolean },
): Promise<boolean> {
  const isOk = outcome === "delivered";
  const counts = type !== testEvent;
  const row = one(
    await sql`
      with noted as (
        update webhook_deliveries
        set status = ${outcome === "retried" ? "pending" : outcome}, attempts = attempts + 1, response_status = ${responseStatus}::int,
          duration_ms = ${durationMs}::int, error = ${error}::text, attempted_at = now()
        where id = ${id}
      ),
      changed as (
        update webhooks w
        set failing_since = case when ${isOk} then null else coalesce(w.failing_since, now()) end,
            is_enabled = ${isOk} or not (${isGone} or coalesce(w.failing_since < now() - ${failingDays} * interval '1 day', false)),
            off_reason = case
              when ${isOk} then null
              when ${isGone} then 'gone'
              when w.failing_since < now() - ${failingDays} * interval '1 day' then 'failing'
            end
        where w.id = ${webhookId} and w.is_enabled and ${counts} and (not ${isOk} or w.failing_since is not null)
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
            select id from (
              select id, status, created_at, row_number() over (order by id desc) as place
              from webhook_deliveries where webhook_id = w.id
            ) d
            where d.status <> 'pending' and (d.place > ${deliveriesMax} or d.created_at < now() - ${keptDays} * interval '1 day')
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
