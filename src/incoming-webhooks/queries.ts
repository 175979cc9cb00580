// The incoming webhooks of chats.
import { z } from "zod";
import { insertEvent, type Actor } from "../audit/queries.ts";
import { lockedChat } from "../chats/column-queries.ts";
import { many, maybe, type Fragment, type Sql } from "../database/connect.ts";
import { IncomingWebhook, incomingWebhooksPerChatMax } from "../wire/incoming-webhooks.ts";

/** The columns of an IncomingWebhook from `incoming_webhooks h` and `users u`. */
const hookColumns = (sql: Sql) => sql`
  h.id, h.chat_id, h.name, h.user_id, u.username, h.created_by, h.created_at, h.last_used_at
`;

const Outcome = z.object({ outcome: z.enum(["created", "full", "not_owner", "private"]) });

type Creation =
  | { outcome: "full" }
  | { outcome: "not_owner" }
  | { outcome: "private" }
  | { outcome: "created"; hook: IncomingWebhook };

export interface NewHook {
  chatId: number;
  name: string;
  /** The username of its account. */
  username: string;
  secretHash: Buffer;
}

/**
 * Creates an incoming webhook with its account.
 * @returns undefined for a chat that the caller is not in
 * @throws the unique violation of `users_username_key`
 */
export async function insertHook(
  sql: Sql,
  caller: Actor,
  { chatId, name, username, secretHash }: NewHook,
): Promise<Creation | undefined> {
  const [row] = await sql`
    with locked as materialized (${lockedChat(sql, caller.id, chatId)}),
    allowed as materialized (
      select id from locked
      where owner_id = ${caller.id} and is_group
        and incoming_webhooks_of_chat(id) < ${incomingWebhooksPerChatMax}
    ),
    account as (
      insert into users (id, username, email, hashed_password, bot_owner_id, read_receipts, display_name)
      select made.id, ${username}::text, '', '', made.id, false, ${name}::text
      from allowed, lateral (select nextval(pg_get_serial_sequence('users', 'id')) as id) made
      returning id, username
    ),
    created as (
      insert into incoming_webhooks (chat_id, user_id, name, secret_hash, created_by)
      select ${chatId}, id, ${name}::text, ${secretHash}::bytea, ${caller.id} from account
      returning *
    ),
    audited as (${insertEvent(
      sql,
      {
        action: "create_hook",
        outcome: "ok",
        actor: caller,
        target: `chat:${chatId}`,
        details: sql`jsonb_build_object('hook_id', created.id)`,
        source: caller.source,
      },
      sql`from created`,
    )})
    select case
        when h.id is not null then 'created'
        when locked.owner_id <> ${caller.id} then 'not_owner'
        when not locked.is_group then 'private'
        else 'full'
      end as outcome,
      ${hookColumns(sql)}
    from locked
    left join created h on true
    left join account u on true
  `;
  if (!row) return undefined;
  const { outcome } = Outcome.parse(row);
  return outcome === "created" ? { outcome, hook: IncomingWebhook.parse(row) } : { outcome };
}

const Listed = z.object({ is_owner: z.boolean(), hook: IncomingWebhook.nullable() });

/**
 * The incoming webhooks of a chat, the latest first.
 * @returns undefined for a chat that the caller is not in
 */
export async function findHooks(
  sql: Sql,
  callerId: number,
  chatId: number,
): Promise<IncomingWebhook[] | "not_owner" | undefined> {
  const rows = await sql`
    select c.owner_id = ${callerId} as is_owner, ${hookColumns(sql)}
    from chats c
    join chat_participants me on me.chat_id = c.id and me.user_id = ${callerId}
    left join incoming_webhooks h on h.chat_id = c.id and c.owner_id = ${callerId}
    left join users u on u.id = h.user_id
    where c.id = ${chatId}
    order by h.id desc
    limit ${incomingWebhooksPerChatMax}
  `;
  const found = many(
    rows.map(({ is_owner, ...hook }) => ({ is_owner, hook: hook.id === null ? null : hook })),
    Listed,
  );
  if (found.length === 0) return undefined;
  if (found[0]?.is_owner !== true) return "not_owner";
  return found.map(({ hook }) => hook).filter((hook) => hook !== null);
}

const Deletion = z.object({ is_owner: z.boolean(), deleted: z.boolean() });

/**
 * Deletes an incoming webhook. Its account stays if it has posted, since its messages are shown under it; a trigger deletes it otherwise.
 * @returns undefined for a chat that the caller is not in
 */
export async function deleteHook(
  sql: Sql,
  caller: Actor,
  { chatId, hookId }: { chatId: number; hookId: number },
): Promise<z.infer<typeof Deletion> | undefined> {
  return maybe(
    await sql`
      with locked as materialized (${lockedChat(sql, caller.id, chatId)}),
      deleted as (
        delete from incoming_webhooks h using locked
        where h.id = ${hookId} and h.chat_id = locked.id and locked.owner_id = ${caller.id}
        returning h.id
      ),
      audited as (${insertEvent(
        sql,
        {
          action: "revoke_hook",
          outcome: "ok",
          actor: caller,
          target: `chat:${chatId}`,
          details: { hook_id: hookId },
          source: caller.source,
        },
        sql`from deleted`,
      )})
      select owner_id = ${caller.id} as is_owner, exists (select from deleted) as deleted from locked
    `,
    Deletion,
  );
}

const HeldHook = z.object({
  id: z.int(),
  chat_id: z.int(),
  user_id: z.int(),
  username: z.string(),
  is_used: z.boolean(),
});
/** `is_used`: its use was noted within the last minute. */
export type HeldHook = z.infer<typeof HeldHook>;

const recently: (sql: Sql) => Fragment = (sql) => sql`now() - interval '1 minute'`;

/** The webhook whose secret has this hash. */
export async function findHook(sql: Sql, secretHash: Buffer): Promise<HeldHook | undefined> {
  return maybe(
    await sql`
      select h.id, h.chat_id, h.user_id, u.username,
        coalesce(h.last_used_at > ${recently(sql)}, false) as is_used
      from incoming_webhooks h
      join users u on u.id = h.user_id
      where h.secret_hash = ${secretHash}
    `,
    HeldHook,
  );
}

/** Notes that a webhook was used, at most once a minute. */
export async function noteHookUse(sql: Sql, hookId: number): Promise<void> {
  await sql`
    update incoming_webhooks set last_used_at = now()
    where id = ${hookId} and (last_used_at is null or last_used_at <= ${recently(sql)})
  `;
}
