// A person's sessions, as that person sees and ends them. Those of access keys are not among them.
import { z } from "zod";
import { many, maybe, type Fragment, type Sql } from "../database/connect.ts";
import { Session } from "../wire/users.ts";
import { insertEvent, type Actor } from "../audit/queries.ts";
import { sessionsPerUserMax } from "./queries.ts";

/** A person and the session in which they ask. */
type Holder = Actor & { readonly sessionId: string };

/**
 * Locks a session, so that it cannot end before the statement has. To be used by what adds a way into an account, because a statement that
 * ends all of them ends the sessions as well: whichever comes second knows of the first. It locks the session after the row of `from`,
 * as such a statement does.
 */
export const lockedSession = (sql: Sql, from: string, sessionId: string): Fragment => sql`
  select s.id from ${sql.unsafe(from)} join sessions s on s.id = ${sessionId}::uuid for key share of s
`;

/** A person's sessions, the one that was used last first. */
export async function findSessions(
  sql: Sql,
  holder: { id: number; sessionId: string },
): Promise<Session[]> {
  return many(
    await sql`
      select id, id = ${holder.sessionId} as current, created_at, last_used_at, expires_at, address, user_agent
      from sessions
      where user_id = ${holder.id} and expires_at > now() and access_key_id is null
      order by last_used_at desc, id
      limit ${sessionsPerUserMax}
    `,
    Session,
  );
}

/**
 * Deletes the links for another address than the present one, if `ended` has a row: who asked for them may have lost the right to.
 */
const pendingAddresses = (sql: Sql, userId: number) => sql`
  unlinked as (
    delete from mail_links l using users u
    where u.id = ${userId} and l.user_id = u.id and lower(l.email) <> lower(u.email) and exists (select from ended)
  )
`;

/** @returns false for a session that is none of this person's */
export async function deleteOwnSession(sql: Sql, actor: Actor, id: string): Promise<boolean> {
  const rows = await sql`
    with ended as (
      delete from sessions
      where id = ${id} and user_id = ${actor.id} and expires_at > now() and access_key_id is null
      returning id
    ),
    ${pendingAddresses(sql, actor.id)},
    audited as (${insertEvent(
      sql,
      {
        action: "end_session",
        outcome: "ok",
        actor,
        target: `session:${id}`,
        source: actor.source,
      },
      sql`from ended`,
    )})
    select id from ended
  `;
  return rows.length > 0;
}

const SessionId = z.object({ id: z.uuid() });

/** Ends a person's sessions but the present one. @returns which */
export async function deleteOtherSessions(sql: Sql, holder: Holder): Promise<string[]> {
  const rows = many(
    await sql`
      with ended as (
        delete from sessions
        where user_id = ${holder.id} and id <> ${holder.sessionId} and access_key_id is null
        returning id
      ),
      ${pendingAddresses(sql, holder.id)},
      audited as (${insertEvent(
        sql,
        {
          action: "end_other_sessions",
          outcome: "ok",
          actor: holder,
          target: `user:${holder.id}`,
          details: sql`jsonb_build_object('sessions', count(*))`,
          source: holder.source,
        },
        sql`from ended having count(*) > 0`,
      )})
      select id from ended
    `,
    SessionId,
  );
  return rows.map(({ id }) => id);
}

/** Ends all sessions of a person. @returns which */
export async function deleteAllSessions(sql: Sql, userId: number): Promise<string[]> {
  const rows = await sql`
    delete from sessions where user_id = ${userId} and access_key_id is null returning id
  `;
  return many(rows, SessionId).map(({ id }) => id);
}

/** Whether a session was begun by a sign-in within the last seconds. */
export async function isRecentSignIn(
  sql: Sql,
  sessionId: string,
  seconds: number,
): Promise<boolean> {
  const rows = await sql`
    select id from sessions where id = ${sessionId} and created_at > now() - ${seconds} * interval '1 second'
  `;
  return rows.length > 0;
}

const ChangedPassword = z.object({ ended_ids: z.array(z.uuid()) });

/**
 * Replaces a person's password hash, if it is still `oldHash`, and ends the other sessions and all links of mails.
 * @returns the sessions that ended; undefined when the hash was another one
 */
export async function updatePassword(
  sql: Sql,
  holder: Holder,
  change: { oldHash: string; newHash: string },
): Promise<string[] | undefined> {
  const row = maybe(
    await sql`
      with changed as (
        update users set hashed_password = ${change.newHash}
        where id = ${holder.id} and hashed_password = ${change.oldHash}
        returning id
      ),
      ended as (
        delete from sessions s using changed
        where s.user_id = changed.id and s.id <> ${holder.sessionId} and s.access_key_id is null
        returning s.id
      ),
      unlinked as (
        delete from mail_links l using changed where l.user_id = changed.id
      ),
      audited as (${insertEvent(
        sql,
        {
          action: "change_password",
          outcome: "ok",
          actor: holder,
          target: `user:${holder.id}`,
          source: holder.source,
        },
        sql`from changed`,
      )})
      select array(select id from ended) as ended_ids from changed
    `,
    ChangedPassword,
  );
  return row?.ended_ids;
}
