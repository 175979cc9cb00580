// The chats that people are in, as the sockets that follow them need to know them.
import { z } from "zod";
import type { Sql } from "../database/connect.ts";
import { chatsPerUserMax } from "../wire/chats.ts";

/**
 * Chats that a person is in, with the number of a change of the chat or of its people as of which that is so; undefined if it is
 * not known.
 */
export type ChatsOf = ReadonlyMap<number, number | undefined>;

/** Chats, each with the number of the last change of it or of its people, as {@link chatsOf} selects them. */
export const ChatsOfColumn = z.array(z.tuple([z.int(), z.int()]));

/** The select of an array that {@link ChatsOfColumn} parses. */
export function chatsOf(sql: Sql, userId: ReturnType<Sql>) {
  return sql`
    select array[c.id, c.updated_seq]
    from chat_participants p join chats c on c.id = p.chat_id
    where p.user_id = ${userId}
    limit ${chatsPerUserMax}
  `;
}
