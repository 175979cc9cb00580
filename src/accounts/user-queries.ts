import { z } from "zod";
import { insertMailJob } from "./mail-jobs.ts";
import { insertEvent, type Actor, type Source } from "../audit/queries.ts";
import { many, maybe, one, type Sql } from "../database/connect.ts";
import { avatarUrl } from "../log/picture-columns.ts";
import { User, type UpdateMeInput } from "../wire/users.ts";
import { namePartsOf } from "./name-search.ts";
import { noPassword } from "./passwords.ts";

/** The columns of a User. */
export const userColumns = (sql: Sql) => sql`
  id, username, email, email_verified_at is not null as email_verified, created_at, read_receipts, presence, display_name, bio,
  avatar_id, ${avatarUrl(sql, sql``)} as avatar_url,
  bot_owner_id is not null as is_bot_account,
  exists (select from totp_secrets t where t.user_id = users.id and t.confirmed_at is not null) as totp_enabled,
  hashed_password not in ('', ${noPassword}) as has_password
`;

const UserWithPassword = User.extend({ hashed_password: z.string() });
export type UserWithPassword = z.infer<typeof UserWithPassword>;

const NamedUser = User.pick({
  id: true,
  username: true,
  created_at: true,
  display_name: true,
  avatar_url: true,
  is_bot_account: true,
});
export type NamedUser = z.infer<typeof NamedUser>;

/** @throws the unique violation of `users_username_key` or `users_email_key` */
export async function insertUser(
  sql: Sql,
  user: {
    username: string;
    email: string;
    hashedPassword: string;
    source: Source;
    /** Whether a mail asks the person to verify the address. */
    isMailed?: boolean;
  },
): Promise<User> {
  return one(
    await sql`
      with u as (
        insert into users (username, email, hashed_password)
        values (${user.username}, ${user.email}, ${user.hashedPassword})
        returning ${userColumns(sql)}
      ),
      audited as (${insertEvent(
        sql,
        {
          action: "register",
          outcome: "ok",
          actor: { id: sql`u.id`, username: user.username },
          target: sql`'user:' || u.id`,
          source: user.source,
        },
        sql`from u`,
      )}),
      mailed as (${insertMailJob(
        sql,
        {
          payload: sql`jsonb_build_object('kind', 'verify_email', 'user_id', u.id, 'email', u.email)`,
          email: sql`u.email`,
        },
        sql`from u where ${user.isMailed ?? false}`,
      )})
      select u.* from u
    `,
    User,
  );
}

export async function findUser(sql: Sql, userId: number): Promise<User | undefined> {
  return maybe(
    await sql`select ${userColumns(sql)} from users where id = ${userId} and deleted_at is null`,
    User,
  );
}

/**
 * Changes a person's profile and settings; members that are undefined stay as they are. Somebody who becomes invisible while they are
 * connected counts as last seen at that moment, as if their last client had gone. A trigger notes a changed profile for the servers.
 * @returns undefined for an account that is gone
 */
export async function updateUser(
  sql: Sql,
  caller: Actor,
  input: UpdateMeInput,
): Promise<User | undefined> {
  const { display_name: displayName, bio } = input;
  const parts = displayName == null ? [] : namePartsOf(displayName);
  const isNamed = displayName !== undefined;
  const hasBio = bio !== undefined;
  return maybe(
    await sql`
      with before as materialized (
        select id, presence, display_name, bio from users
        where id = ${caller.id} and deleted_at is null
        for no key update
      ),
      updated as (
        update users
        set read_receipts = coalesce(${input.read_receipts ?? null}::boolean, read_receipts),
            presence = coalesce(${input.presence ?? null}::text, presence),
            display_name = case when ${isNamed} then ${displayName ?? null}::text else display_name end,
            display_name_parts = case when ${isNamed} then ${parts}::text[] else display_name_parts end,
            bio = case when ${hasBio} then ${bio ?? null}::text else bio end
        where id = (select id from before)
        returning ${userColumns(sql)}
      ),
      audited as (${insertEvent(
        sql,
        {
          action: "change_profile",
          outcome: "ok",
          actor: caller,
          target: `user:${caller.id}`,
          details: { changed: [...(isNamed ? ["display_name"] : []), ...(hasBio ? ["bio"] : [])] },
          source: caller.source,
        },
        sql`
          from before, updated
          where (before.display_name, before.bio) is distinct from (updated.display_name, updated.bio)
        `,
      )}),
      -- The servers look for rows that have changed. What is left behind by a server that is gone does not tell when somebody was
      -- connected who did not want to be seen.
      touched as (
        update presence p
        set changed_xid = pg_current_xact_id(),
            status = case
              when updated.presence = 'visible' and exists (
                select from presence_servers v where v.id = p.server_id and v.expires_at <= now()
              ) then 'offline'
              else p.status
            end
        from before, updated
        where p.user_id = updated.id and updated.presence <> before.presence
        returning p.user_id, p.server_id, p.status
      ),
      seen as (
        insert into last_seen (user_id, last_seen_at)
        select distinct touched.user_id, now()
        from touched
        join presence_servers v on v.id = touched.server_id and v.expires_at > now()
        join updated on updated.presence = 'invisible'
        where touched.status <> 'offline'
        on conflict (user_id) do update
        set last_seen_at = greatest(last_seen.last_seen_at, excluded.last_seen_at)
      )
      select updated.* from updated
    `,
    User,
  );
}

export async function findUserWithPassword(
  sql: Sql,
  username: string,
): Promise<UserWithPassword | undefined> {
  return maybe(
    await sql`
      select ${userColumns(sql)}, hashed_password
      from users
      where lower(username) = lower(${username}) and deleted_at is null and bot_owner_id is null
    `,
    UserWithPassword,
  );
}

export async function findPasswordHash(sql: Sql, userId: number): Promise<string | undefined> {
  const row = maybe(
    await sql`select hashed_password from users where id = ${userId} and deleted_at is null`,
    UserWithPassword.pick({ hashed_password: true }),
  );
  return row?.hashed_password;
}

/** Puts another hash of the same password in the place of `oldHash`. @returns false if that is not the one any more */
export async function replaceHash(
  sql: Sql,
  user: { id: number; oldHash: string; newHash: string },
): Promise<boolean> {
  const rows = await sql`
    update users set hashed_password = ${user.newHash}
    where id = ${user.id} and hashed_password = ${user.oldHash}
    returning id
  `;
  return rows.length > 0;
}

/** Users by name, without regard to case; unknown names are left out. */
export async function findUsersByName(sql: Sql, usernames: string[]): Promise<NamedUser[]> {
  return many(
    await sql`
      select id, username, created_at, display_name, ${avatarUrl(sql, sql``)} as avatar_url,
        bot_owner_id is not null as is_bot_account
      from users
      where lower(username) = any (select lower(name) from unnest(${usernames}::text[]) as name) and deleted_at is null
        -- The account of an incoming webhook belongs to itself, and goes nowhere else.
        and bot_owner_id is distinct from id
      order by id
    `,
    NamedUser,
  );
}
