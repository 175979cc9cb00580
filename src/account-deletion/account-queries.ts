// The deletion of an account: all of it that belongs to the person alone goes in one statement.
import { z } from "zod";
import { insertEvent, type Actor, type AuditEvent } from "../audit/queries.ts";
import { many, maybe, type Sql } from "../database/connect.ts";
import { deletedUsername } from "../wire/deleted-username.ts";

const DeletedAccount = z.object({
  session_ids: z.array(z.uuid()),
  /** The answers to the person's questions that are running. */
  answer_ids: z.array(z.int()),
});

/**
 * Turns an account into a row without a name, if the password hash is still the one that was verified. Sessions with their tokens
 * and tickets, times of presence, and counts of usage go; the email is free again, and the username stays reserved.
 * @returns undefined when the hash was another one
 */
export async function markAccountDeleted(
  sql: Sql,
  caller: Actor,
  { hash, erases }: { hash: string; erases: boolean },
): Promise<z.infer<typeof DeletedAccount> | undefined> {
  return maybe(
    await sql`
      with before as materialized (
        select id, username from users
        where id = ${caller.id} and hashed_password = ${hash} and deleted_at is null
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
            display_name = null, bio = null, avatar_id = null, deleted_at = now()
        from before
        where u.id = before.id
        returning u.id
      ),
      job as (
        insert into account_deletions (user_id, erases) select id, ${erases} from deleted
      ),
      ended as (
        delete from sessions s using deleted where s.user_id = deleted.id returning s.id
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
      ),
      stopped as (
        update answer_runs r set stop_requested = true
        from deleted
        where r.user_id = deleted.id
        returning r.message_id
      ),
      audited as (${insertEvent(sql, deletion(caller, erases), sql`from deleted`)})
      select array(select id from ended) as session_ids,
        array(select message_id from stopped where message_id is not null) as answer_ids
      from deleted
    `,
    DeletedAccount,
  );
}

function deletion(caller: Actor, erases: boolean): AuditEvent {
  return {
    action: "delete_account",
    outcome: "ok",
    actor: caller,
    target: `user:${caller.id}`,
    details: { messages: erases ? "erase" : "keep" },
    source: caller.source,
  };
}

/** Ends what began while the account was being deleted: a statement does not see sessions that were stored while it waited. */
export async function deleteSessions(sql: Sql, userId: number): Promise<string[]> {
  const rows = await sql`delete from sessions where user_id = ${userId} returning id`;
  return many(rows, z.object({ id: z.uuid() })).map(({ id }) => id);
}
