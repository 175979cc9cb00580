// The deletion of an account: all of it that belongs to the person alone goes in one statement.
import { z } from "zod";
import { insertEvent, type Actor } from "../audit/queries.ts";
import { many, one, type Fragment, type Sql } from "../database/connect.ts";
import { deletedUsername } from "../wire/deleted-username.ts";

const Deleted = z.object({
  user_ids: z.array(z.int()),
  session_ids: z.array(z.uuid()),
  /** The running answers to questions of the accounts. */
  answers: z.array(z.object({ message_id: z.int(), chat_id: z.int() })),
});
export type Deleted = z.infer<typeof Deleted>;

/**
 * Turns a person's account into a row without a name, if the password hash is still the one that was verified. Sessions with their
 * tokens and tickets, access keys, times of presence, and counts of usage go; the email is free again, and the username stays reserved.
 * @returns undefined when the hash was another one
 */
export async function markAccountDeleted(
  sql: Sql,
  caller: Actor,
  { hash, erases }: { hash: string; erases: boolean },
): Promise<Deleted | undefined> {
  const deleted = await markDeleted(
    sql,
    caller,
    sql`id = ${caller.id} and hashed_password = ${hash} and bot_owner_id is null`,
    { action: "delete_account", erases },
  );
  return deleted.user_ids.length > 0 ? deleted : undefined;
}

/** Does the same with bots. @param botId only this bot of the owner; undefined for all of them */
export async function markBotsDeleted(
  sql: Sql,
  owner: Actor,
  { botId, erases }: { botId: number | undefined; erases: boolean },
): Promise<Deleted> {
  const isSought = botId === undefined ? sql`` : sql`and id = ${botId}`;
  return await markDeleted(sql, owner, sql`bot_owner_id = ${owner.id} ${isSought}`, {
    action: "delete_bot",
    erases,
  });
}

/** The CTEs that delete the rows of the accounts in `deleted`, which nobody else needs. `ended` has the ids of the sessions. */
const ownRows = (sql: Sql): Fragment => sql`
  ended as (
    delete from sessions s using deleted where s.user_id = deleted.id returning s.id
  ),
  revoked as (
    delete from access_keys k using deleted where k.user_id = deleted.id
  ),
  without_links as (
    delete from mail_links l using deleted where l.user_id = deleted.id
  ),
  without_second_factor as (
    delete from totp_secrets t using deleted where t.user_id = deleted.id
  ),
  without_recovery as (
    delete from recovery_codes c using deleted where c.user_id = deleted.id
  ),
  without_identities as (
    delete from identities i using deleted where i.user_id = deleted.id
  ),
  without_codes as (
    delete from sign_in_codes c using deleted where c.user_id = deleted.id
  ),
  not_signing_in as (
    delete from sign_in_tickets t using deleted where t.user_id = deleted.id
  ),
  without_webhooks as (
    delete from webhooks w using deleted where w.user_id = deleted.id
  ),
  unseen as (
    delete from last_seen l using deleted where l.user_id = deleted.id
  ),
  unsent as (
    delete from attachments a using deleted where a.user_id = deleted.id and a.message_id is null
  ),
  uploads_in_parts as (
    delete from uploads u using deleted where u.user_id = deleted.id
  ),
  unblocked as (
    delete from user_blocks b using deleted where deleted.id in (b.blocker_id, b.blocked_id)
  ),
  uncounted as (
    delete from uploaded_bytes b using deleted where b.scope = 'user' and b.scope_id = deleted.id
  ),
  forgotten as (
    delete from usage_days d using deleted where d.kind = 'user' and d.id = deleted.id
  )
`;

/** @param isSought a condition on users that leaves the accounts to be deleted */
async function markDeleted(
  sql: Sql,
  actor: Actor,
  isSought: Fragment,
  { action, erases }: { action: "delete_account" | "delete_bot"; erases: boolean },
): Promise<Deleted> {
  return one(
    await sql`
      with before as materialized (
        select id, username from users
        where ${isSought} and deleted_at is null
        order by id
        for no key update
      ),
      reserved as (
        insert into former_usernames (name_hash)
        select sha256(convert_to(lower(username), 'UTF8')) from before
        on conflict do nothing
      ),
      deleted as (
        update users u
        set username = ${deletedUsername}, email = '', hashed_password = '', read_receipts = false, presence = 'invisible',
            display_name = null, bio = null, avatar_id = null, bot_owner_id = null, email_verified_at = null, deleted_at = now()
        from before
        where u.id = before.id
        returning u.id
      ),
      job as (
        insert into account_deletions (user_id, erases) select id, ${erases} from deleted
      ),
      ${ownRows(sql)},
      stopped as (
        update answer_runs r set stop_requested = true
        from deleted
        where r.user_id = deleted.id
        returning r.message_id, r.chat_id
      ),
      audited as (${insertEvent(
        sql,
        {
          action,
          outcome: "ok",
          actor,
          target: sql`'user:' || deleted.id`,
          details: { messages: erases ? "erase" : "keep" },
          source: actor.source,
        },
        sql`from deleted`,
      )})
      select array(select id from deleted) as user_ids, array(select id from ended) as session_ids,
        (
          select coalesce(json_agg(stopped), '[]') from stopped where message_id is not null
        ) as answers
    `,
    Deleted,
  );
}

/** Ends what began while the account was being deleted: a statement does not see sessions that were stored while it waited. */
export async function deleteSessions(sql: Sql, userId: number): Promise<string[]> {
  const rows = await sql`delete from sessions where user_id = ${userId} returning id`;
  return many(rows, z.object({ id: z.uuid() })).map(({ id }) => id);
}
