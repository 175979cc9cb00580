// Webhooks as their owners see, create, change and delete them. A webhook is found by the chat's owner, or by the person whose own it is.
import { z } from "zod";
import { lockedSession } from "../accounts/session-queries.ts";
import { insertEvent, type Actor, type AuditAction } from "../audit/queries.ts";
import { many, maybe, type Fragment, type Sql } from "../database/connect.ts";
import { hurryJobs } from "../jobs/queries.ts";
import {
  rotationHours,
  Webhook,
  webhooksPerChatMax,
  webhooksPerPersonMax,
  type UpdateWebhookInput,
} from "../wire/webhooks.ts";

/** The columns of a Webhook, from `webhooks w left join chats c on c.id = w.chat_id`. */
export const webhookColumns = (sql: Sql) => sql`
  w.id, w.chat_id, w.url, w.events, w.is_enabled,
  case when w.is_enabled and c.owner_id <> w.user_id then 'other_owner' else w.off_reason end as off_reason, w.failing_since,
  case when w.previous_until > now() then w.previous_until end as previous_secret_until, w.created_at
`;

/** Whether `webhooks w left join chats c` is one that a person manages. */
const isManaged = (sql: Sql, userId: number) => sql`
  case when w.chat_id is null then w.user_id = ${userId} else c.owner_id = ${userId} end
`;

/** The SQL that records a change of the webhooks in a CTE. */
export const insertWebhookEvent = (
  sql: Sql,
  caller: Actor,
  action: AuditAction,
  row: "created" | "changed" | "gone",
): Fragment =>
  insertEvent(
    sql,
    {
      action,
      outcome: "ok",
      actor: caller,
      target: sql.unsafe(`'webhook:' || ${row}.id`),
      details: sql.unsafe(`jsonb_strip_nulls(jsonb_build_object('chat_id', ${row}.chat_id))`),
      source: caller.source,
    },
    sql.unsafe(`from ${row}`),
  );

/** The webhooks of a chat, the oldest first. @returns undefined for a chat that the caller is not in; null if the caller is not its owner */
export async function findChatWebhooks(
  sql: Sql,
  callerId: number,
  chatId: number,
): Promise<Webhook[] | null | undefined> {
  const found = maybe(
    await sql`
      select c.owner_id = ${callerId} as is_owner
      from chat_participants me join chats c on c.id = me.chat_id
      where me.chat_id = ${chatId} and me.user_id = ${callerId}
    `,
    z.object({ is_owner: z.boolean() }),
  );
  if (!found?.is_owner) return found && null;
  return many(
    await sql`
      select ${webhookColumns(sql)} from webhooks w join chats c on c.id = w.chat_id
      where w.chat_id = ${chatId} and c.owner_id = ${callerId} order by w.id limit ${webhooksPerChatMax}
    `,
    Webhook,
  );
}

/** A person's own webhooks, the oldest first. */
export async function findOwnWebhooks(sql: Sql, callerId: number): Promise<Webhook[]> {
  return many(
    await sql`
      select ${webhookColumns(sql)} from webhooks w left join chats c on c.id = w.chat_id
      where w.user_id = ${callerId} and w.chat_id is null order by w.id limit ${webhooksPerPersonMax}
    `,
    Webhook,
  );
}

/** @returns undefined for a webhook that the caller does not manage */
export async function findWebhook(
  sql: Sql,
  callerId: number,
  webhookId: number,
): Promise<Webhook | undefined> {
  return maybe(
    await sql`
      select ${webhookColumns(sql)} from webhooks w left join chats c on c.id = w.chat_id
      where w.id = ${webhookId} and ${isManaged(sql, callerId)}
    `,
    Webhook,
  );
}

/**
 * Changes a webhook. One that is turned on is told of what happens from now on, and belongs to the caller. What waits for its next try is
 * tried at once.
 * @returns undefined for a webhook that the caller does not manage, and if the session has ended
 */
export async function updateWebhook(
  sql: Sql,
  caller: Actor & { sessionId: string },
  webhookId: number,
  { url, events, is_enabled: isEnabled }: UpdateWebhookInput,
): Promise<Webhook | undefined> {
  return maybe(
    await sql`
      with person as materialized (select id from users where id = ${caller.id} for no key update),
      -- Another address is another way to hear of the account.
      session as materialized (${lockedSession(sql, "person", caller.sessionId)}),
      changed as (
        update webhooks w
        set url = coalesce(${url ?? null}::text, w.url),
            events = coalesce(${events ?? null}::text[], w.events),
            is_enabled = coalesce(${isEnabled ?? null}::boolean, w.is_enabled),
            off_reason = case when ${isEnabled === true} then null else w.off_reason end,
            failing_since = case when ${isEnabled === true} then null else w.failing_since end,
            user_id = case when ${isEnabled === true} then ${caller.id} else w.user_id end
        from webhooks before left join chats on chats.id = before.chat_id
        where w.id = ${webhookId} and before.id = w.id and exists (select from session)
          and case when w.chat_id is null then w.user_id = ${caller.id} else chats.owner_id = ${caller.id} end
        returning w.*, before.is_enabled and before.user_id = w.user_id as was_on
      ),
      moved as (
        insert into webhook_cursors as placed (webhook_id, chat_id, seq)
        select changed.id, c.id, c.last_seq
        from changed
        join chat_participants p on p.user_id = changed.user_id and (changed.chat_id is null or p.chat_id = changed.chat_id)
        join chats c on c.id = p.chat_id
        where ${isEnabled === true} and not changed.was_on
        order by c.id
        on conflict (webhook_id, chat_id) do update set seq = greatest(placed.seq, excluded.seq)
      ),
      -- It may work now.
      hurried as (${hurryJobs(sql, sql`'webhook:' || changed.id`, sql`from changed`)}),
      audited as (${insertWebhookEvent(sql, caller, "change_webhook", "changed")})
      select ${webhookColumns(sql)} from changed w left join chats c on c.id = w.chat_id
    `,
    Webhook,
  );
}

/** Replaces the secret. The one before signs, too, for a day. @returns undefined for a webhook that the caller does not manage */
export async function replaceSecret(
  sql: Sql,
  caller: Actor,
  webhookId: number,
  sealedSecret: Buffer,
): Promise<Webhook | undefined> {
  return maybe(
    await sql`
      with changed as (
        update webhooks w
        set sealed_previous = w.sealed_secret, previous_until = now() + ${rotationHours} * interval '1 hour',
            sealed_secret = ${sealedSecret}
        from webhooks before left join chats on chats.id = before.chat_id
        where w.id = ${webhookId} and before.id = w.id
          and case when w.chat_id is null then w.user_id = ${caller.id} else chats.owner_id = ${caller.id} end
        returning w.*
      ),
      audited as (${insertWebhookEvent(sql, caller, "rotate_webhook_secret", "changed")})
      select ${webhookColumns(sql)} from changed w left join chats c on c.id = w.chat_id
    `,
    Webhook,
  );
}

/** Deletes a webhook with its deliveries. @returns false for a webhook that the caller does not manage */
export async function deleteWebhook(sql: Sql, caller: Actor, webhookId: number): Promise<boolean> {
  const rows = await sql`
    with managed as materialized (
      select w.id from webhooks w left join chats c on c.id = w.chat_id
      where w.id = ${webhookId} and ${isManaged(sql, caller.id)}
    ),
    gone as (
      delete from webhooks w using managed where w.id = managed.id returning w.id, w.chat_id
    ),
    audited as (${insertWebhookEvent(sql, caller, "delete_webhook", "gone")})
    select id from gone
  `;
  return rows.length > 0;
}
