// The bots of a person.
import { insertEvent, type Actor } from "../audit/queries.ts";
import { many, maybe, type Sql } from "../database/connect.ts";
import { Bot, botsPerPersonMax } from "../wire/bots.ts";

/** The columns of a Bot. */
const botColumns = (sql: Sql) => sql`id, username, created_at, true as is_bot_account`;

/**
 * Creates a bot of a person.
 * @returns undefined if the person has as many bots as may be, or no account any more
 * @throws the unique violation of `users_username_key`
 */
export async function insertBot(
  sql: Sql,
  owner: Actor,
  username: string,
): Promise<Bot | undefined> {
  return maybe(
    await sql`
      -- The owner's row is locked, so that of several requests at once each counts the bots of those before.
      with owner as materialized (
        select id from users
        where id = ${owner.id} and deleted_at is null and bot_owner_id is null
        for no key update
      ),
      created as (
        insert into users (username, email, hashed_password, bot_owner_id, read_receipts)
        select ${username}::text, '', '', owner.id, false
        from owner
        where bots_of_person(owner.id) < ${botsPerPersonMax}
        returning ${botColumns(sql)}
      ),
      audited as (${insertEvent(
        sql,
        {
          action: "create_bot",
          outcome: "ok",
          actor: owner,
          target: sql`'user:' || created.id`,
          details: { username },
          source: owner.source,
        },
        sql`from created`,
      )})
      select created.* from created
    `,
    Bot,
  );
}

/** A person's bots, the latest first. */
export async function findBots(sql: Sql, ownerId: number): Promise<Bot[]> {
  return many(
    await sql`
      select ${botColumns(sql)} from users
      where bot_owner_id = ${ownerId} and deleted_at is null
      order by id desc
      limit ${botsPerPersonMax}
    `,
    Bot,
  );
}
