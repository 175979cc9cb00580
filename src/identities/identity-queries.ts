// Accounts at providers, and the people they are linked to.
import { z } from "zod";
import { insertMailJob } from "../accounts/mail-jobs.ts";
import { lockedSession } from "../accounts/session-queries.ts";
import { noPassword } from "../accounts/passwords.ts";
import { insertEvent, type Actor, type Source } from "../audit/queries.ts";
import { many, maybe, one, type Sql } from "../database/connect.ts";
import { identitiesPerPersonMax, Identity } from "../wire/identities.ts";
import type { ForeignAccount } from "./provider.ts";

const Holder = z.object({ id: z.int(), username: z.string(), hashed_password: z.string() });
export type Holder = z.infer<typeof Holder>;

/** Finds the person of an account at a provider, and notes that it was used. */
export async function useIdentity(
  sql: Sql,
  { issuer, subject, label }: ForeignAccount,
): Promise<Holder | undefined> {
  return maybe(
    await sql`
      update identities i set last_used_at = now(), label = ${label}
      from users u
      where i.issuer = ${issuer} and i.subject = ${subject} and u.id = i.user_id and u.deleted_at is null
      returning u.id, u.username, u.hashed_password
    `,
    Holder,
  );
}

export interface NewIdentity {
  readonly provider: string;
  readonly account: ForeignAccount;
  readonly source: Source;
}

/**
 * Registers a person with a verified address, who has no password and signs in by the provider.
 * @throws the unique violation of `users_username_key`, `users_email_key` or `identities_subject_key`
 */
export async function insertPerson(
  sql: Sql,
  { provider, account, source, username, email }: NewIdentity & { username: string; email: string },
): Promise<Holder> {
  return one(
    await sql`
      with u as (
        insert into users (username, email, hashed_password, email_verified_at)
        values (${username}, ${email}, ${noPassword}, now())
        returning id, username, hashed_password
      ),
      linked as (
        insert into identities (user_id, provider, issuer, subject, label)
        select id, ${provider}::text, ${account.issuer}::text, ${account.subject}::text, ${account.label}::text from u
      ),
      audited as (${insertEvent(
        sql,
        {
          action: "register",
          outcome: "ok",
          actor: { id: sql`u.id`, username },
          target: sql`'user:' || u.id`,
          details: { provider },
          source,
        },
        sql`from u`,
      )})
      select u.* from u
    `,
    Holder,
  );
}

const Linked = z.object({
  /** Null when the session has ended. */
  person_id: z.int().nullable(),
  username: z.string().nullable(),
  is_linked: z.boolean(),
  /** The person that the account was linked to before. */
  owner_id: z.int().nullable(),
});

/** Links an account at a provider to the person of a session that has not ended, unless it is linked to somebody. The person receives a mail about it. */
export async function linkIdentity(
  sql: Sql,
  sessionId: string,
  { provider, account, source, isMailed }: NewIdentity & { isMailed: boolean },
): Promise<z.infer<typeof Linked>> {
  return one(
    await sql`
      -- The person is locked, so that of several requests at once each counts the identities of those before.
      with locked as materialized (
        select u.id, u.username, u.email
        from sessions s
        join users u on u.id = s.user_id and u.deleted_at is null
        where s.id = ${sessionId} and s.expires_at > now() and s.access_key_id is null
        for no key update of u
      ),
      session as materialized (${lockedSession(sql, "locked", sessionId)}),
      person as materialized (select locked.* from locked, session),
      linked as (
        insert into identities (user_id, provider, issuer, subject, label)
        select id, ${provider}::text, ${account.issuer}::text, ${account.subject}::text, ${account.label}::text
        from person
        where identities_of(id) < ${identitiesPerPersonMax}
        on conflict (issuer, subject) do nothing
        returning user_id
      ),
      audited as (${insertEvent(
        sql,
        {
          action: "link_identity",
          outcome: "ok",
          actor: { id: sql`person.id`, username: sql`person.username` },
          target: sql`'user:' || person.id`,
          details: { provider },
          source,
        },
        sql`from person join linked on linked.user_id = person.id`,
      )}),
      mailed as (${insertMailJob(
        sql,
        {
          payload: sql`jsonb_build_object(
            'kind', 'identity_was_linked', 'email', person.email, 'username', person.username, 'provider', ${provider}::text,
            'label', ${account.label}::text
          )`,
          email: sql`person.email`,
        },
        sql`from person join linked on linked.user_id = person.id where ${isMailed}`,
      )})
      select (select id from person) as person_id, (select username from person) as username,
        exists (select from linked) as is_linked,
        (select user_id from identities where issuer = ${account.issuer} and subject = ${account.subject}) as owner_id
    `,
    Linked,
  );
}

/** A person's identities, those linked first at the beginning. */
export async function findIdentities(sql: Sql, userId: number): Promise<Identity[]> {
  return many(
    await sql`
      select id, provider, label, created_at, last_used_at
      from identities where user_id = ${userId} order by id limit ${identitiesPerPersonMax}
    `,
    Identity,
  );
}

const Unlinked = z.object({ is_found: z.boolean(), is_unlinked: z.boolean() });

/** Deletes an identity of a person, unless it is the last way in. */
export async function deleteIdentity(
  sql: Sql,
  caller: Actor,
  identityId: number,
): Promise<z.infer<typeof Unlinked>> {
  return one(
    await sql`
      -- A row that another request deletes meanwhile is waited for, and is then not among them.
      with mine as materialized (
        select id, provider from identities where user_id = ${caller.id} order by id for update
      ),
      unlinked as (
        delete from identities i
        using mine
        where i.id = mine.id and mine.id = ${identityId} and (
          (select count(*) from mine) > 1
          or exists (select from users where id = ${caller.id} and hashed_password <> ${noPassword})
        )
        returning i.provider
      ),
      audited as (${insertEvent(
        sql,
        {
          action: "unlink_identity",
          outcome: "ok",
          actor: caller,
          target: `user:${caller.id}`,
          details: sql`jsonb_build_object('provider', unlinked.provider)`,
          source: caller.source,
        },
        sql`from unlinked`,
      )})
      select exists (select from mine where id = ${identityId}) as is_found, exists (select from unlinked) as is_unlinked
    `,
    Unlinked,
  );
}
