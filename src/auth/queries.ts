import { z } from "zod";
import { chatsPerUserMax } from "../wire/chats.ts";
import { maybe, type Sql } from "../database/connect.ts";

const SessionUser = z.object({ id: z.int(), username: z.string() });
export type SessionUser = z.infer<typeof SessionUser>;

export async function insertSession(
  sql: Sql,
  session: { id: string; userId: number; refreshTokenHash: Buffer; ttlSeconds: number },
): Promise<void> {
  await sql`
    insert into sessions (id, user_id, refresh_token_hash, expires_at)
    values (
      ${session.id}, ${session.userId}, ${session.refreshTokenHash},
      now() + ${session.ttlSeconds} * interval '1 second'
    )
  `;
}

/** Replaces a session's refresh token, if `oldHash` is the one it has now. */
export async function rotateRefreshToken(
  sql: Sql,
  session: { id: string; oldHash: Buffer; newHash: Buffer; ttlSeconds: number },
): Promise<SessionUser | undefined> {
  return maybe(
    await sql`
      update sessions
      set refresh_token_hash = ${session.newHash},
          expires_at = now() + ${session.ttlSeconds} * interval '1 second'
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

/** @returns whether the refresh token was the session's newest and had not expired; undefined without such a session */
export async function deleteSession(
  sql: Sql,
  session: { id: string; refreshTokenHash: Buffer },
): Promise<boolean | undefined> {
  const row = maybe(
    await sql`
      delete from sessions
      where id = ${session.id}
      returning refresh_token_hash = ${session.refreshTokenHash} and expires_at > now() as was_good
    `,
    z.object({ was_good: z.boolean() }),
  );
  return row?.was_good;
}

export async function insertTicket(
  sql: Sql,
  ticket: { hash: Buffer; sessionId: string; ttlSeconds: number },
): Promise<boolean> {
  const rows = await sql`
    insert into socket_tickets (ticket_hash, session_id, expires_at)
    select ${ticket.hash}, id, now() + ${ticket.ttlSeconds} * interval '1 second'
    from sessions
    where id = ${ticket.sessionId}
    returning session_id
  `;
  return rows.length > 0;
}

const TicketHolder = SessionUser.extend({ session_id: z.uuid() });

/** Takes a ticket out of circulation. @returns whose it was, if it was still good */
export async function takeTicket(
  sql: Sql,
  hash: Buffer,
): Promise<z.infer<typeof TicketHolder> | undefined> {
  return maybe(
    await sql`
      delete from socket_tickets using sessions, users
      where socket_tickets.ticket_hash = ${hash}
        and socket_tickets.expires_at > now()
        and sessions.id = socket_tickets.session_id
        and users.id = sessions.user_id
      returning users.id, users.username, sessions.id as session_id
    `,
    TicketHolder,
  );
}

/** What a socket needs of a session that has not ended: the chats of its person. */
export async function findSessionChats(sql: Sql, sessionId: string): Promise<number[] | undefined> {
  const row = maybe(
    await sql`
      select array(
        select chat_id from chat_participants where user_id = sessions.user_id limit ${chatsPerUserMax}
      ) as chat_ids
      from sessions
      where id = ${sessionId} and expires_at > now()
    `,
    z.object({ chat_ids: z.array(z.int()) }),
  );
  return row?.chat_ids;
}

/** Removes what has expired, at most `limit` rows of each kind. @returns how many rows */
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
  return sessions.length + tickets.length;
}
