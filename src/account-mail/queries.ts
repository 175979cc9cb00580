// Links that are sent by mail: each works once, for some time, and for the address that it was sent to.
import { z } from "zod";
import { insertMailJob } from "../accounts/mail-jobs.ts";
import { insertEvent, type Source } from "../audit/queries.ts";
import { maybe, type Sql } from "../database/connect.ts";

/** Links of one kind for one account in an hour, so that nobody can fill somebody's mailbox. */
const linksPerHourMax = 5;

export interface NewLink {
  readonly hash: Buffer;
  readonly ttlSeconds: number;
}

const Recipient = z.object({ username: z.string(), email: z.string() });

/**
 * Stores a link that verifies an address for a person.
 * @returns the person, and whether the address belongs to another account, for which there is no link; undefined for an account that is
 * gone, and for one that has had too many links
 */
export async function insertVerifyLink(
  sql: Sql,
  { user_id: userId, email }: { user_id: number; email: string },
  { hash, ttlSeconds }: NewLink,
): Promise<{ username: string; isTaken: boolean } | undefined> {
  const row = maybe(
    await sql`
      with person as materialized (
        select id, username,
          exists (
            select from users other
            where lower(other.email) = lower(${email}) and other.id <> ${userId} and other.deleted_at is null
              and other.bot_owner_id is null
          ) as is_taken
        from users
        where id = ${userId} and deleted_at is null and bot_owner_id is null
          and mail_links_of(id, 'verify_email') < ${linksPerHourMax}
      ),
      stored as (
        insert into mail_links (link_hash, user_id, purpose, email, expires_at)
        select ${hash}::bytea, id, 'verify_email', ${email}::text, now() + ${ttlSeconds} * interval '1 second'
        from person
      )
      select username, is_taken from person
    `,
    z.object({ username: z.string(), is_taken: z.boolean() }),
  );
  return row && { username: row.username, isTaken: row.is_taken };
}

/** Stores a link that resets the password of the account with an address. @returns undefined if there is none, or it has had too many links */
export async function insertResetLink(
  sql: Sql,
  email: string,
  { hash, ttlSeconds }: NewLink,
): Promise<z.infer<typeof Recipient> | undefined> {
  return maybe(
    await sql`
      with person as materialized (
        select id, username, email from users
        where lower(email) = lower(${email}) and deleted_at is null and bot_owner_id is null
          and mail_links_of(id, 'reset_password') < ${linksPerHourMax}
      ),
      stored as (
        insert into mail_links (link_hash, user_id, purpose, email, expires_at)
        select ${hash}::bytea, id, 'reset_password', email, now() + ${ttlSeconds} * interval '1 second'
        from person
      )
      select username, email from person
    `,
    Recipient,
  );
}

const Verified = z.object({ username: z.string(), email: z.string(), old_email: z.string() });

/**
 * Uses a link: the person has the address from now on, and has shown that it is theirs. Other links of the person end if the address is
 * another one than before, since they were sent to that, and that address is told.
 * @returns undefined for a link that does not work
 * @throws the unique violation of `users_email_key`
 */
export async function takeVerifyLink(
  sql: Sql,
  hash: Buffer,
  source: Source,
): Promise<z.infer<typeof Verified> | undefined> {
  return maybe(
    await sql`
      with link as (
        delete from mail_links
        where link_hash = ${hash} and purpose = 'verify_email' and expires_at > now()
        returning user_id, email
      ),
      before as materialized (
        select u.id, u.username, u.email as old_email, link.email
        from link join users u on u.id = link.user_id and u.deleted_at is null
        for no key update of u
      ),
      changed as (
        update users u set email = before.email, email_verified_at = now()
        from before
        where u.id = before.id
        returning u.id
      ),
      ended as (
        delete from mail_links l using before
        where l.user_id = before.id and lower(before.email) <> lower(before.old_email)
      ),
      audited as (${insertEvent(
        sql,
        {
          action: "verify_email",
          outcome: "ok",
          actor: { id: sql`before.id`, username: sql`before.username` },
          target: sql`'user:' || before.id`,
          details: sql`jsonb_build_object('is_changed', lower(before.email) <> lower(before.old_email))`,
          source,
        },
        sql`from before`,
      )}),
      mailed as (${insertMailJob(
        sql,
        {
          payload: sql`jsonb_build_object(
            'kind', 'email_was_changed', 'email', before.old_email, 'username', before.username, 'new_email', before.email
          )`,
          email: sql`before.old_email`,
        },
        sql`from before join changed using (id) where lower(before.email) <> lower(before.old_email)`,
      )})
      select before.username, before.email, before.old_email from before join changed using (id)
    `,
    Verified,
  );
}

export async function deleteLink(sql: Sql, hash: Buffer): Promise<void> {
  await sql`delete from mail_links where link_hash = ${hash}`;
}

/** Deletes links that are older than an hour, `limit` at most. @returns how many */
export async function deleteOldLinks(sql: Sql, limit: number): Promise<number> {
  const rows = await sql`
    delete from mail_links
    where link_hash = any (array(
      select link_hash from mail_links where created_at < now() - interval '1 hour' order by created_at limit ${limit}
    ))
    returning user_id
  `;
  return rows.length;
}
