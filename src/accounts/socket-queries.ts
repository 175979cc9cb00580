// The queries of arriving sockets: tickets, the sessions of their tokens, and the chats that they join.
import { z } from "zod";
import { maybe, type Sql } from "../database/connect.ts";
import { chatsPerUserMax } from "../wire/chats.ts";
import { chatsOf, ChatsOfColumn, type ChatsOf } from "../log/chats-of-people.ts";
import {
  joinedChat,
  JoinedChatRow,
  joinedChatOf,
  type JoinedChat,
  type JoinRead,
} from "../log/join-reads.ts";
import { RecentReplays } from "../log/recent-replays.ts";
import { quietChatIds } from "../log/block-queries.ts";
import { SessionUser } from "./queries.ts";

/** A session, and the person that its token names. */
interface HeldSession {
  readonly userId: number;
  readonly sessionId: string;
  readonly afterSeq?: undefined;
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

/** The request of an arriving socket: the chats of its session's person, or a chat that it joins. */
export type Arrival =
  (HeldSession & { chatId?: undefined }) | (JoinRead & { sessionId?: undefined });

export interface ArrivalRead {
  /** Undefined for a session that has ended, or belongs to somebody else. */
  chats: ChatsOf | undefined;
  /** The chats of the person that are quiet; see `Listener.setQuietChats`. */
  quietChatIds: number[];
  /** Whether the session's person does not want to be seen. */
  isHidden: boolean;
  /** Undefined for a chat that the person is not in. */
  chat: JoinedChat | undefined;
}

const ArrivalRow = z.object({
  chats: ChatsOfColumn.nullable(),
  quiet_chat_ids: z.array(z.int()),
  is_hidden: z.boolean().nullable(),
  last_seq: z.int().nullable(),
});

/** Reads for some arriving sockets at once. @returns in the order of `arrivals` */
export async function readArrivals(
  sql: Sql,
  arrivals: readonly Arrival[],
  replays = new RecentReplays(),
): Promise<ArrivalRead[]> {
  const readAtMs = performance.now();
  const known = arrivals.map(({ chatId, afterSeq }) =>
    chatId === undefined || afterSeq === undefined
      ? undefined
      : replays.find(chatId, afterSeq, readAtMs),
  );
  const rows = await sql`
    select case when s.user_id = i.user_id then array(${chatsOf(sql, sql`s.user_id`)}) end as chats,
      array(${quietChatIds(sql, sql`s.user_id`)} limit ${chatsPerUserMax}) as quiet_chat_ids,
      (select presence = 'invisible' from users where id = s.user_id) as is_hidden,
      chat.*
    from unnest(
      ${arrivals.map(({ userId }) => userId)}::bigint[],
      ${arrivals.map(({ sessionId }) => sessionId ?? null)}::uuid[],
      ${arrivals.map(({ chatId }) => chatId ?? null)}::bigint[],
      ${arrivals.map((arrival) => arrival.afterSeq ?? null)}::bigint[],
      ${known.map((replay) => replay?.lastSeq ?? null)}::bigint[]
    ) with ordinality as i (user_id, session_id, chat_id, after_seq, known_seq, n)
    -- With the person among the conditions, the planner may look through all sessions of the person.
    left join sessions s on s.id = i.session_id and s.expires_at > now()
    left join lateral (${joinedChat(sql)}) chat on true
    order by i.n
  `;
  return rows.map((row, place) => {
    const { chats, quiet_chat_ids, is_hidden, last_seq } = ArrivalRow.parse(row);
    const replay = known[place];
    const chat = last_seq === null ? undefined : joinedChatOf(JoinedChatRow.parse(row), replay);
    const { chatId, afterSeq } = arrivals[place] ?? {};
    if (chat && chatId !== undefined && afterSeq !== undefined && chat.frames !== replay?.frames) {
      const { lastSeq, superseded, frames } = chat;
      replays.remember(chatId, afterSeq, { lastSeq, superseded, frames }, readAtMs);
    }
    return {
      chats: chats ? new Map(chats) : undefined,
      quietChatIds: quiet_chat_ids,
      isHidden: is_hidden ?? false,
      chat,
    };
  });
}
