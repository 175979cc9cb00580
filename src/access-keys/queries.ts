// Access keys as their owners see, create and revoke them. A person's keys are those of the own account, and those of the own bots.
import { z } from "zod";
import { lockedSession } from "../accounts/session-queries.ts";
import { insertEvent, type Actor } from "../audit/queries.ts";
import { many, maybe, type Sql } from "../database/connect.ts";
import { AccessKey, keysPerAccountMax, type CreateKeyInput } from "../wire/access-keys.ts";
import { botsPerPersonMax } from "../wire/bots.ts";

/** The columns of an AccessKey from `access_keys k`. @param ownerId the person who sees it */
const keyColumns = (sql: Sql, ownerId: number) => sql`
  k.id, k.name, k.hint, nullif(k.user_id, ${ownerId}) as bot_id, k.scopes, k.chat_ids, k.created_at, k.expires_at,
  k.last_used_at, k.last_used_address
`;

/** The account that a key is for: the person's own, or a bot's. */
export interface KeyAccount {
  readonly owner: Actor & { readonly sessionId: string };
  readonly accountId: number;
}

const Outcome = z.object({ outcome: z.enum(["created", "full", "no_chat", "session_ended"]) });

type Creation =
  { outcome: "full" | "no_chat" | "session_ended" } | { outcome: "created"; key: AccessKey };

/**
 * Creates a key, with its session.
 * @returns undefined for an account that is neither the person's nor that of a bot of the person
 */
export async function insertKey(
  sql: Sql,
  { owner, accountId }: KeyAccount,
  key: CreateKeyInput & { hash: Buffer; hint: string },
): Promise<Creation | undefined> {
  const { name, scopes, expires_at: expiresAt = null, hash, hint } = key;
  const chatIds = key.chat_ids ?? null;
  const [row] = await sql`
    -- The account's row is locked, so that of several requests at once each counts the keys of those before.
    with account as materialized (
      select id from users
      where id = ${accountId} and deleted_at is null and (id = ${owner.id} or bot_owner_id = ${owner.id})
      for no key update
    ),
    session as materialized (${lockedSession(sql, "account", owner.sessionId)}),
    -- A bot may be invited later to a chat that its owner is in now.
    missing as materialized (
      select chat_id from unnest(${chatIds}::bigint[]) as t (chat_id)
      where not exists (
        select from chat_participants p
        where p.chat_id = t.chat_id and p.user_id in (${accountId}, ${owner.id})
      )
    ),
    created as (
      insert into access_keys as k (user_id, name, key_hash, hint, scopes, chat_ids, expires_at)
      select id, ${name}::text, ${hash}::bytea, ${hint}::text, ${scopes}::text[], ${chatIds}::bigint[], ${expiresAt}::timestamptz
      from account
      where exists (select from session) and not exists (select from missing)
        and keys_of_account(id) < ${keysPerAccountMax}
      returning ${keyColumns(sql, owner.id)}, k.user_id
    ),
    begun as (
      insert into sessions (user_id, access_key_id, expires_at)
      select user_id, id, coalesce(expires_at, 'infinity') from created
    ),
    audited as (${insertEvent(
      sql,
      {
        action: "create_key",
        outcome: "ok",
        actor: owner,
        target: sql`'key:' || created.id`,
        details: { user_id: accountId, scopes },
        source: owner.source,
      },
      sql`from created`,
    )})
    select case
        when created.id is not null then 'created'
        when not exists (select from session) then 'session_ended'
        when exists (select from missing) then 'no_chat'
        else 'full'
      end as outcome,
      created.*
    from account
    left join created on true
  `;
  if (!row) return undefined;
  const { outcome } = Outcome.parse(row);
  return outcome === "created" ? { outcome, key: AccessKey.parse(row) } : { outcome };
}

/** The keys of a person and of the person's bots, the latest first. */
export async function findKeys(sql: Sql, ownerId: number): Promise<AccessKey[]> {
  return many(
    await sql`
      select ${keyColumns(sql, ownerId)}
      from access_keys k
      where k.user_id = any (array(select id from users where id = ${ownerId} or bot_owner_id = ${ownerId}))
      order by k.id desc
      limit ${keysPerAccountMax * (botsPerPersonMax + 1)}
    `,
    AccessKey,
  );
}

const Revoked = z.object({ id: z.int(), session_id: z.uuid().nullable() });

/**
 * Deletes a key with its session.
 * @returns the session, which is null for a key that has expired long ago; undefined for a key that is none of the person's
 */
export async function deleteKey(
  sql: Sql,
  owner: Actor,
  keyId: number,
): Promise<z.infer<typeof Revoked> | undefined> {
  return maybe(
    await sql`
      with held as materialized (
        select k.id, k.user_id, s.id as session_id
        from access_keys k
        join users u on u.id = k.user_id and (u.id = ${owner.id} or u.bot_owner_id = ${owner.id})
        left join sessions s on s.access_key_id = k.id
        where k.id = ${keyId}
      ),
      revoked as (
        delete from access_keys where id = (select id from held) returning id, user_id
      ),
      audited as (${insertEvent(
        sql,
        {
          action: "revoke_key",
          outcome: "ok",
          actor: owner,
          target: `key:${keyId}`,
          details: sql`jsonb_build_object('user_id', revoked.user_id)`,
          source: owner.source,
        },
        sql`from revoked`,
      )})
      select held.id, held.session_id from revoked join held using (id)
    `,
    Revoked,
  );
}
