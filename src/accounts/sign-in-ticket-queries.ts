import { z } from "zod";
import { maybe, type Sql } from "../database/connect.ts";

/** Codes that may be tried with one ticket. */
const failuresMax = 5;

export async function insertSignInTicket(
  sql: Sql,
  ticket: { hash: Buffer; userId: number; passwordDigest: Buffer; ttlSeconds: number },
): Promise<void> {
  await sql`
    insert into sign_in_tickets (ticket_hash, user_id, password_digest, expires_at)
    values (
      ${ticket.hash}, ${ticket.userId}, ${ticket.passwordDigest}, now() + ${ticket.ttlSeconds} * interval '1 second'
    )
  `;
}

const Holder = z.object({ id: z.int(), username: z.string(), hashed_password: z.string() });
export type TicketHolder = z.infer<typeof Holder>;

/** The person of a ticket that may be used, and has the password that was verified. */
export async function findTicketHolder(sql: Sql, hash: Buffer): Promise<TicketHolder | undefined> {
  return maybe(
    await sql`
      select u.id, u.username, u.hashed_password
      from sign_in_tickets t
      join users u on u.id = t.user_id and u.deleted_at is null
      where t.ticket_hash = ${hash} and t.expires_at > now() and t.failures < ${failuresMax}
        and t.password_digest = sha256(convert_to(u.hashed_password, 'UTF8'))
    `,
    Holder,
  );
}

/** Notes a wrong code: after some of them the ticket is good for nothing. */
export async function noteWrongCode(sql: Sql, hash: Buffer): Promise<void> {
  await sql`update sign_in_tickets set failures = failures + 1 where ticket_hash = ${hash}`;
}

/** Deletes a ticket. @returns whether it was there, so that of several uses at once one succeeds */
export async function takeSignInTicket(sql: Sql, hash: Buffer): Promise<boolean> {
  const rows = await sql`
    delete from sign_in_tickets
    where ticket_hash = ${hash} and expires_at > now() and failures < ${failuresMax}
    returning user_id
  `;
  return rows.length > 0;
}
