// Adding webhooks. They are told of what happens from then on.
import { z } from "zod";
import { lockedSession } from "../accounts/session-queries.ts";
import type { Actor } from "../audit/queries.ts";
import { maybe, type Sql } from "../database/connect.ts";
import { Webhook, webhooksPerChatMax, webhooksPerPersonMax } from "../wire/webhooks.ts";
import { insertWebhookEvent, webhookColumns } from "./queries.ts";

export interface NewWebhook {
  readonly url: string;
  readonly events: readonly string[];
  readonly sealedSecret: Buffer;
}

const Creation = z.object({
  outcome: z.enum(["created", "full", "not_owner", "session_ended"]),
  ...Webhook.partial().shape,
});
type Created =
  { outcome: "full" | "not_owner" | "session_ended" } | { outcome: "created"; webhook: Webhook };

function created(row: z.infer<typeof Creation> | undefined): Created | undefined {
  if (!row) return undefined;
  const { outcome, ...webhook } = row;
  return outcome === "created" ? { outcome, webhook: Webhook.parse(webhook) } : { outcome };
}

/** Adds a webhook to a chat. It is told of what happens from now on. @returns undefined for a chat that the caller is not in */
export async function insertChatWebhook(
  sql: Sql,
  caller: Actor & { sessionId: string },
  chatId: number,
  { url, events, sealedSecret }: NewWebhook,
): Promise<Created | undefined> {
  const rows = await sql`
    -- The chat's row is locked, so that of several requests at once each counts the webhooks of those before.
    with chat as materialized (
      select c.id, c.owner_id, c.last_seq
      from chats c
      join chat_participants me on me.chat_id = c.id and me.user_id = ${caller.id}
      where c.id = ${chatId}
      for no key update of c
    ),
    session as materialized (${lockedSession(sql, "chat", caller.sessionId)}),
    created as (
      insert into webhooks as w (user_id, chat_id, url, events, sealed_secret)
      select ${caller.id}, id, ${url}::text, ${[...events]}::text[], ${sealedSecret}::bytea
      from chat
      where owner_id = ${caller.id} and exists (select from session) and webhooks_of_chat(id) < ${webhooksPerChatMax}
      returning w.*
    ),
    placed as (
      insert into webhook_cursors (webhook_id, chat_id, seq) select created.id, chat.id, chat.last_seq from created, chat
    ),
    audited as (${insertWebhookEvent(sql, caller, "create_webhook", "created")})
    select case
        when w.id is not null then 'created'
        when not exists (select from session) then 'session_ended'
        when c.owner_id = ${caller.id} then 'full'
        else 'not_owner'
      end as outcome, ${webhookColumns(sql)}
    from chat c left join created w on true
  `;
  return created(maybe(rows.map(withoutNulls), Creation));
}

/** Adds a person's own webhook. It is told of what happens from now on. @returns undefined for an account that is gone, or a bot's */
export async function insertOwnWebhook(
  sql: Sql,
  caller: Actor & { sessionId: string },
  { url, events, sealedSecret }: NewWebhook,
): Promise<Created | undefined> {
  const rows = await sql`
    with person as materialized (
      select id from users where id = ${caller.id} and deleted_at is null and bot_owner_id is null for no key update
    ),
    session as materialized (${lockedSession(sql, "person", caller.sessionId)}),
    created as (
      insert into webhooks as w (user_id, url, events, sealed_secret)
      select id, ${url}::text, ${[...events]}::text[], ${sealedSecret}::bytea
      from person
      where exists (select from session) and webhooks_of_person(id) < ${webhooksPerPersonMax}
      returning w.*
    ),
    cursors as (
      insert into webhook_cursors (webhook_id, chat_id, seq)
      select created.id, c.id, c.last_seq
      from created
      join chat_participants p on p.user_id = created.user_id
      join chats c on c.id = p.chat_id
      order by c.id
    ),
    audited as (${insertWebhookEvent(sql, caller, "create_webhook", "created")})
    select case
        when w.id is not null then 'created'
        when not exists (select from session) then 'session_ended'
        else 'full'
      end as outcome, ${webhookColumns(sql)}
    from person left join created w on true left join chats c on c.id = w.chat_id
  `;
  return created(maybe(rows.map(withoutNulls), Creation));
}

/** A row of an outer join that has found nothing has only nulls. */
const withoutNulls = (row: Record<string, unknown>) =>
  row.id === null ? { outcome: row.outcome } : row;
