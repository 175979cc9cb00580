import { z } from "zod";
import { insertEvent, type Source } from "../audit/queries.ts";
import { many, maybe, one, type Sql } from "../database/connect.ts";
import { PersonFound, User, type UpdateMeInput } from "../wire/users.ts";

/** The columns of a User, which are those of the wire. */
const userColumns = (sql: Sql) => sql.unsafe(Object.keys(User.shape).join(", "));

const UserWithPassword = User.extend({ hashed_password: z.string() });
export type UserWithPassword = z.infer<typeof UserWithPassword>;

const NamedUser = User.pick({ id: true, username: true, created_at: true });
export type NamedUser = z.infer<typeof NamedUser>;

/** @throws the unique violation of `users_username_key` or `users_email_key` */
export async function insertUser(
  sql: Sql,
  user: { username: string; email: string; hashedPassword: string; source: Source },
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
      )})
      select ${userColumns(sql)} from u
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
 * Changes a person's settings; those that are undefined stay as they are. Somebody who becomes invisible while they are connected
 * counts as last seen at that moment, as if their last client had gone.
 */
export async function updateUser(
  sql: Sql,
  userId: number,
  settings: UpdateMeInput,
): Promise<User | undefined> {
  return maybe(
    await sql`
      with before as materialized (
        select id, presence from users where id = ${userId} for no key update
      ),
      updated as (
        update users
        set read_receipts = coalesce(${settings.read_receipts ?? null}::boolean, read_receipts),
            presence = coalesce(${settings.presence ?? null}::text, presence)
        where id = (select id from before)
        returning ${userColumns(sql)}
      ),
      -- The servers look for rows that have changed.
      touched as (
        update presence p set changed_xid = pg_current_xact_id()
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
      select ${userColumns(sql)} from updated
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
      where lower(username) = lower(${username}) and deleted_at is null
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

/** Puts another hash of the same password in the place of `oldHash`, if that is still the one. */
export async function replaceHash(
  sql: Sql,
  user: { id: number; oldHash: string; newHash: string },
): Promise<void> {
  await sql`
    update users set hashed_password = ${user.newHash}
    where id = ${user.id} and hashed_password = ${user.oldHash}
  `;
}

/** Users by name, without regard to case; unknown names are left out. */
export async function findUsersByName(sql: Sql, usernames: string[]): Promise<NamedUser[]> {
  return many(
    await sql`
      select id, username, created_at
      from users
      where lower(username) = any (select lower(name) from unnest(${usernames}::text[]) as name) and deleted_at is null
      order by id
    `,
    NamedUser,
  );
}

/**
 * People with a text in their username, without regard to case: first those whose name begins with it. The index on the
 * bigrams of usernames finds texts of two characters and more.
 * @param part at least two characters
 * @param exceptUserId is left out
 */
export async function findUsersByPart(
  sql: Sql,
  { part, exceptUserId, limit }: { part: string; exceptUserId: number; limit: number },
): Promise<PersonFound[]> {
  const name = part.toLowerCase();
  const bigrams = Array.from({ length: name.length - 1 }, (_, at) => name.slice(at, at + 2));
  // U+0080 sorts behind every character of a username in the index, whose collation is "C".
  return many(
    await sql`
      with beginning as materialized (
        select id, username, created_at from users
        where lower(username) collate "C" >= ${name} and lower(username) collate "C" < ${`${name}\u0080`}
          and id <> ${exceptUserId} and deleted_at is null
        order by lower(username) collate "C"
        limit ${limit}
      ),
      containing as materialized (
        select id, username, created_at from users
        where username_bigrams(username) @> ${bigrams}::text[]
          and strpos(lower(username), ${name}) > 1
          and id <> ${exceptUserId} and deleted_at is null
          -- Where enough names begin with it, most others that have its bigrams would be looked at in vain.
          and (select count(*) from beginning) < ${limit}
        limit ${limit}
      )
      select id, username, created_at
      from (select 1 as place, * from beginning union all select 2, * from containing) found
      order by place, lower(username) collate "C"
      limit ${limit}
    `,
    PersonFound,
  );
}
