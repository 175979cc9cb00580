// Profiles as others see them, and the search for people.
import { many, maybe, type Fragment, type Sql } from "../database/connect.ts";
import { isBlockBetween } from "../log/block-queries.ts";
import { avatarUrl } from "../log/picture-columns.ts";
import { Profile } from "../wire/users.ts";

/** Rows of display names that are read for each person of a result: a name may have several words with the same beginning. */
const partsPerPerson = 5;

/** The columns of a Profile, from `users u`. */
export const profileColumns = (sql: Sql) => sql`
  u.id, u.username, u.display_name, u.bio, ${avatarUrl(sql)} as avatar_url, u.created_at,
  u.bot_owner_id is not null as is_bot_account
`;

/**
 * Finds a person as somebody else may see them. Somebody who was blocked by the person, and is in no chat with them, finds nobody, as in
 * a search.
 */
export async function findProfile(
  sql: Sql,
  viewerId: number,
  userId: number,
): Promise<Profile | undefined> {
  return maybe(
    await sql`
      select ${profileColumns(sql)}
      from users u
      where u.id = ${userId} and u.deleted_at is null and (
        not exists (select from user_blocks where blocker_id = u.id and blocked_id = ${viewerId})
        or exists (
          select from chat_participants me
          join chat_participants p on p.chat_id = me.chat_id
          where me.user_id = ${viewerId} and p.user_id = u.id
        )
      )
    `,
    Profile,
  );
}

export interface PeopleSought {
  /** In lower case, at least two characters; undefined: usernames are not searched. */
  usernamePart: string | undefined;
  /** Folded, at least two characters; undefined: display names are not searched. */
  namePart: string | undefined;
  callerId: number;
  limit: number;
}

/**
 * Finds people: first those whose username begins with a text, then those of whose display name a word does, then those with the text
 * elsewhere in their username, for which an index has the bigrams of usernames.
 */
export async function findPeople(
  sql: Sql,
  { usernamePart, namePart, callerId, limit }: PeopleSought,
): Promise<Profile[]> {
  const name = usernamePart ?? "";
  const bigrams = Array.from({ length: Math.max(0, name.length - 1) }, (_, at) =>
    name.slice(at, at + 2),
  );
  const isOther = (userId: Fragment) => sql`
    ${userId} <> ${callerId} and not ${isBlockBetween(sql, userId, sql`${callerId}::bigint`)}
  `;
  // The account of an incoming webhook belongs to itself, and goes nowhere else.
  const mayBeInvited = sql`u.bot_owner_id is distinct from u.id`;
  // U+0080 sorts behind every character of a username in the index, and U+10FFFF behind every one of a display name: their
  // collation is "C".
  return many(
    await sql`
      with beginning as materialized (
        select u.id from users u
        where ${usernamePart !== undefined}
          and lower(u.username) collate "C" >= ${name} and lower(u.username) collate "C" < ${`${name}\u0080`}
          and ${isOther(sql`u.id`)} and u.deleted_at is null and ${mayBeInvited}
        order by lower(u.username) collate "C"
        limit ${limit}
      ),
      named as materialized (
        select distinct user_id as id from (
          select user_id
          from display_name_parts n
          where ${namePart !== undefined}
            and n.part >= ${namePart ?? ""} and n.part < ${`${namePart ?? ""}\u{10ffff}`}
            and ${isOther(sql`n.user_id`)}
          order by n.part, n.user_id
          limit ${limit * partsPerPerson}
        ) part
      ),
      containing as materialized (
        select u.id from users u
        where ${usernamePart !== undefined}
          and username_bigrams(u.username) @> ${bigrams}::text[]
          and strpos(lower(u.username), ${name}) > 1
          and ${isOther(sql`u.id`)} and u.deleted_at is null and ${mayBeInvited}
          -- Where enough names begin with it, most others that have its bigrams would be looked at in vain.
          and (select count(*) from beginning) + (select count(*) from named) < ${limit}
        limit ${limit}
      ),
      found as (
        select id, min(place) as place
        from (
          select 1 as place, id from beginning
          union all select 2, id from named
          union all select 3, id from containing
        ) each
        group by id
      )
      select ${profileColumns(sql)}
      from found
      join users u on u.id = found.id
      order by found.place, lower(u.username) collate "C"
      limit ${limit}
    `,
    Profile,
  );
}
