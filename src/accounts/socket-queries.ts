// How a socket is signed in: by a ticket, or by the session of a token.
import { z } from "zod";
import { many, maybe, type Sql } from "../database/connect.ts";
import { chatsPerUserMax } from "../wire/chats.ts";
import { SessionUser } from "./queries.ts";

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

const TicketHolder = SessionUser.extend({ session_id: z.uuid(), is_live: z.boolean() });

/** Deletes a ticket. @returns its person, and whether it had not expired; undefined for an unknown or used one */
export async function takeTicket(
  sql: Sql,
  hash: Buffer,
): Promise<z.infer<typeof TicketHolder> | undefined> {
  return maybe(
    await sql`
      delete from socket_tickets using sessions, users
      where socket_tickets.ticket_hash = ${hash}
        and sessions.id = socket_tickets.session_id
        and users.id = sessions.user_id
      returning users.id, users.username, sessions.id as session_id, socket_tickets.expires_at > now() as is_live
    `,
    TicketHolder,
  );
}

const SessionChats = z.object({ n: z.int(), is_own: z.boolean(), chat_ids: z.array(z.int()) });

/**
 * Finds the chats of the people of some sessions.
 * @returns in the order of `sessions`; undefined for a session that has ended or belongs to somebody else
 */
export async function findSessionChats(
  sql: Sql,
  sessions: readonly { sessionId: string; id: number }[],
): Promise<(number[] | undefined)[]> {
  // With the person among the conditions, the planner may look through all sessions of the person.
  const rows = many(
    await sql`
      select i.n, s.user_id = i.user_id as is_own, array(
        select chat_id from chat_participants where user_id = s.user_id limit ${chatsPerUserMax}
      ) as chat_ids
      from unnest(
        ${sessions.map(({ sessionId }) => sessionId)}::uuid[], ${sessions.map(({ id }) => id)}::bigint[]
      ) with ordinality as i (session_id, user_id, n)
      join sessions s on s.id = i.session_id and s.expires_at > now()
    `,
    SessionChats,
  );
  const found = new Map(rows.map((row) => [row.n, row.is_own ? row.chat_ids : undefined]));
  return sessions.map((_, place) => found.get(place + 1));
}
