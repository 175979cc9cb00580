import { z } from "zod";
import { many, maybe, type Sql } from "../database/connect.ts";
import { insertEvent, type Source } from "../audit/queries.ts";

export const SessionUser = z.object({ id: z.int(), username: z.string() });
export type SessionUser = z.infer<typeof SessionUser>;

/** Sessions of one person at most. One more sign-in ends the session that was used longest ago. */
export const sessionsPerUserMax = 100;

const BegunSession = z.object({ ended_ids: z.array(z.uuid()) });

/**
 * Begins a session, unless the person's password hash is no longer the one that was verified: whoever changes a password
 * locks that row, so that no session of the old one comes after it.
 * @returns the sessions that ended because the person had too many; undefined when the hash was replaced
 */
export async function insertSession(
  sql: Sql,
  session: {
    id: string;
    user: SessionUser;
    hashedPassword: string;
    refreshTokenHash: Buffer;
    ttlSeconds: number;
    source: Source;
    /** Details for the audit trail. */
    how?: Record<string, string>;
  },
): Promise<z.infer<typeof BegunSession> | undefined> {
  const { id, user, source } = session;
  return maybe(
    await sql`
      with person as materialized (
        select id from users where id = ${user.id} and hashed_password = ${session.hashedPassword} for share
      ),
      begun as (
        insert into sessions (id, user_id, refresh_token_hash, expires_at, address, user_agent)
        select ${id}::uuid, person.id, ${session.refreshTokenHash}::bytea,
          now() + ${session.ttlSeconds} * interval '1 second', ${source.address}::text, ${source.userAgent}::text
        from person
        returning id
      ),
      ended as (
        delete from sessions
        where id in (
          select s.id from person
          join sessions s on s.user_id = person.id and s.access_key_id is null
          order by s.last_used_at desc, s.id
          offset ${sessionsPerUserMax - 1}
        )
        returning id
      ),
      audited as (${insertEvent(
        sql,
        {
          action: "sign_in",
          outcome: "ok",
          actor: user,
          target: `session:${id}`,
          details: session.how ?? {},
          source,
        },
        sql`from begun`,
      )})
      select array(select id from ended) as ended_ids from begun
    `,
    BegunSession,
  );
}

/** Replaces a session's refresh token, if `oldHash` is the one it has now. */
export async function rotateRefreshToken(
  sql: Sql,
  session: { id: string; oldHash: Buffer; newHash: Buffer; ttlSeconds: number; source: Source },
): Promise<SessionUser | undefined> {
  return maybe(
    await sql`
      update sessions
      set refresh_token_hash = ${session.newHash},
          expires_at = now() + ${session.ttlSeconds} * interval '1 second',
          last_used_at = now(),
          address = ${session.source.address},
          user_agent = ${session.source.userAgent}
      from users
      where sessions.id = ${session.id}
        and sessions.refresh_token_hash = ${session.oldHash}
        and sessions.expires_at > now()
        and users.id = sessions.user_id
      returning users.id, users.username
    `,
    SessionUser,
  );
}

/**
 * The person of a session whose refresh token was replaced by this one within the grace period.
 * @param session `refreshTokenHash` is that of the present token, which the caller must be able to derive
 */
export async function findRotated(
  sql: Sql,
  session: { id: string; refreshTokenHash: Buffer; graceSeconds: number },
): Promise<SessionUser | undefined> {
  return maybe(
    await sql`
      select users.id, users.username
      from sessions
      join users on users.id = sessions.user_id
      where sessions.id = ${session.id}
        and sessions.refresh_token_hash = ${session.refreshTokenHash}
        and sessions.last_used_at > now() - ${session.graceSeconds} * interval '1 second'
        and sessions.expires_at > now()
    `,
    SessionUser,
  );
}

/**
 * Ends the session of a refresh token, whichever of its tokens that is.
 * @returns whether the session's present token is one of these and had not expired; undefined without such a session
 */
export async function deleteSession(
  sql: Sql,
  session: {
    id: string;
    refreshTokenHashes: Buffer[];
    action: "refresh" | "sign_out";
    source: Source;
  },
): Promise<boolean | undefined> {
  const hashes = session.refreshTokenHashes.map((hash) => hash.toString("hex"));
  const row = maybe(
    await sql`
      with ended as (
        delete from sessions using users
        where sessions.id = ${session.id} and users.id = sessions.user_id and sessions.access_key_id is null
        returning users.id as user_id, users.username,
          encode(refresh_token_hash, 'hex') = any (${hashes}::text[]) as is_newest, expires_at > now() as is_live
      ),
      audited as (${insertEvent(
        sql,
        {
          action: session.action,
          outcome: sql`case when not is_newest then 'token_reused' when is_live then 'ok' else 'token_expired' end`,
          actor: { id: sql`user_id`, username: sql`username` },
          target: `session:${session.id}`,
          source: session.source,
        },
        sql`from ended`,
      )})
      select is_newest and is_live as was_good from ended
    `,
    z.object({ was_good: z.boolean() }),
  );
  return row?.was_good;
}

/**
 * Whether a session has not ended and belongs to this person. Batching the question for many requests would make each wait
 * for the batch before.
 */
export async function isSessionLive(
  sql: Sql,
  { sessionId, id }: { sessionId: string; id: number },
): Promise<boolean> {
  const row = maybe(
    await sql`select user_id from sessions where id = ${sessionId} and expires_at > now()`,
    z.object({ user_id: z.int() }),
  );
  // Compared here, since the statement could otherwise go through all sessions of the person.
  return row?.user_id === id;
}

const FoundSession = z.object({
  id: z.uuid(),
  user_id: z.int(),
  /** Whether the person does not want to be seen. */
  is_hidden: z.boolean(),
});

/** Finds those of some sessions that have not ended. */
export async function findLiveSessions(
  sql: Sql,
  ids: string[],
): Promise<z.infer<typeof FoundSession>[]> {
  return many(
    await sql`
      select s.id, s.user_id, u.presence = 'invisible' as is_hidden
      from sessions s
      join users u on u.id = s.user_id
      where s.id = any (${ids}::uuid[]) and s.expires_at > now()
    `,
    FoundSession,
  );
}

/** Deletes expired sessions and tickets, at most `limit` rows of each kind. @returns how many rows */
export async function deleteExpired(sql: Sql, limit: number): Promise<number> {
  const sessions = await sql`
    delete from sessions
    where id in (select id from sessions where expires_at < now() order by expires_at limit ${limit})
    returning id
  `;
  const tickets = await sql`
    delete from socket_tickets
    where ticket_hash in (
      select ticket_hash from socket_tickets where expires_at < now() order by expires_at limit ${limit}
    )
    returning session_id
  `;
  const signIns = await sql`
    delete from sign_in_tickets
    where ticket_hash in (
      select ticket_hash from sign_in_tickets where expires_at < now() order by expires_at limit ${limit}
    )
    returning user_id
  `;
  return sessions.length + tickets.length + signIns.length;
}
