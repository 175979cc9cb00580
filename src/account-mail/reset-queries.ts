// Resetting a password, and what ends with that.
import { z } from "zod";
import { insertMailJob } from "../accounts/mail-jobs.ts";
import { insertEvent, type Source } from "../audit/queries.ts";
import { many, maybe, one, type Fragment, type Sql } from "../database/connect.ts";
import { identitiesPerPersonMax } from "../wire/identities.ts";
import { webhooksPerPersonMax } from "../wire/webhooks.ts";

/** Whether a link would reset a password now. */
export async function isResetLink(sql: Sql, hash: Buffer): Promise<boolean> {
  const row = one(
    await sql`
      select exists (
        select from mail_links where link_hash = ${hash} and purpose = 'reset_password' and expires_at > now()
      ) as found
    `,
    z.object({ found: z.boolean() }),
  );
  return row.found;
}

/**
 * CTEs that end all other ways into the accounts of `unproven (id)`, and all ways to receive their events: identities, webhooks,
 * and the access keys of the person and of the person's bots. `accounts (id)` are the person and the bots.
 */
const endWaysIn = (sql: Sql): Fragment => sql`
  accounts as materialized (
    select id from unproven
    union all
    select bot.id from unproven join users bot on bot.bot_owner_id = unproven.id
  ),
  unlinked as (
    delete from identities i using unproven where i.user_id = unproven.id returning i.id
  ),
  revoked as (
    delete from access_keys k using accounts where k.user_id = accounts.id returning k.id
  ),
  untold as (
    delete from webhooks w using unproven where w.user_id = unproven.id returning w.id
  )
`;

const Reset = z.object({ id: z.int(), was_verified: z.boolean(), session_ids: z.array(z.uuid()) });

/**
 * Uses a link: the person has another password, and all sessions of the person end, as do the other links: somebody else
 * may have asked for them. The address is verified, since the link was sent there, and is told. If it never was before, somebody else may
 * have registered with it, and all other ways into the account end, too.
 * @returns undefined for a link that does not work, also if the person has another address by now
 */
export async function takeResetLink(
  sql: Sql,
  { hash, hashedPassword, source }: { hash: Buffer; hashedPassword: string; source: Source },
): Promise<z.infer<typeof Reset> | undefined> {
  return maybe(
    await sql`
      with link as (
        delete from mail_links
        where link_hash = ${hash} and purpose = 'reset_password' and expires_at > now()
        returning user_id, email
      ),
      person as materialized (
        select u.id, u.username, u.email, u.email_verified_at is not null as was_verified
        from link join users u on u.id = link.user_id and lower(u.email) = lower(link.email) and u.deleted_at is null
        for no key update of u
      ),
      changed as (
        update users u
        set hashed_password = ${hashedPassword}, email_verified_at = coalesce(u.email_verified_at, now())
        from person
        where u.id = person.id
        returning u.id
      ),
      unproven as materialized (select id from person where not was_verified),
      ${endWaysIn(sql)},
      other_links as (
        delete from mail_links l using person
        where l.user_id = person.id and l.link_hash <> ${hash}
      ),
      ended as (
        delete from sessions s using (
          select id, true as has_keys from accounts union all select id, false from person where was_verified
        ) account
        where s.user_id = account.id and (s.access_key_id is null or account.has_keys)
        returning s.id
      ),
      audited as (${insertEvent(
        sql,
        {
          action: "reset_password",
          outcome: "ok",
          actor: { id: sql`person.id`, username: sql`person.username` },
          target: sql`'user:' || person.id`,
          details: sql`jsonb_build_object(
            'was_verified', person.was_verified, 'identities', (select count(*) from unlinked),
            'keys', (select count(*) from revoked), 'webhooks', (select count(*) from untold)
          )`,
          source,
        },
        sql`from person`,
      )}),
      mailed as (${insertMailJob(
        sql,
        {
          payload: sql`jsonb_build_object(
            'kind', 'password_was_reset', 'email', person.email, 'username', person.username, 'user_id', person.id,
            'was_verified', person.was_verified
          )`,
          email: sql`person.email`,
        },
        sql`from person`,
      )})
      select person.id, person.was_verified, array(select id from ended) as session_ids from person join changed using (id)
    `,
    Reset,
  );
}

/**
 * Ends the ways into an account once more, for those that were stored while a statement before waited for the account, and are not in
 * its snapshot.
 * @returns the sessions that ended
 */
export async function endLateWaysIn(sql: Sql, userId: number): Promise<string[]> {
  // A request that adds a way in locks the account: all that waited for the lock are done once it can be locked here.
  await sql`select id from users where id = ${userId} for no key update`;
  const rows = await sql`
    with unproven as materialized (select ${userId}::bigint as id),
    ${endWaysIn(sql)}
    delete from sessions s using accounts where s.user_id = accounts.id and s.access_key_id is not null
    returning s.id
  `;
  return many(rows, z.object({ id: z.uuid() })).map(({ id }) => id);
}

const WaysIn = z.object({
  identities: z.array(z.object({ provider: z.string(), label: z.string() })),
  webhook_urls: z.array(z.string()),
});
export type WaysIn = z.infer<typeof WaysIn>;

/** The identities of a person, and the addresses of the person's own webhooks, as a mail names them. */
export async function findWaysIn(sql: Sql, userId: number): Promise<WaysIn> {
  return one(
    await sql`
      select
        coalesce((
          select jsonb_agg(jsonb_build_object('provider', i.provider, 'label', i.label))
          from (
            select provider, label from identities where user_id = ${userId} order by id limit ${identitiesPerPersonMax}
          ) i
        ), '[]') as identities,
        array(
          select url from webhooks where user_id = ${userId} and chat_id is null order by id limit ${webhooksPerPersonMax}
        ) as webhook_urls
    `,
    WaysIn,
  );
}
