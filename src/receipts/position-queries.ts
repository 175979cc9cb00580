// The read positions of participants.
import { z } from "zod";
import { many, maybe, type Sql } from "../database/connect.ts";
import { liveReadsMembersMax, Read } from "../wire/receipts.ts";

const MovedPosition = z.object({ ...Read.shape, has_moved: z.boolean() });
export type MovedPosition = z.infer<typeof MovedPosition>;

/**
 * Moves the read position forward, never back and never beyond the chat's newest number. Of several moves at once each is
 * compared with the one before, since an update looks at its row anew after a wait. The mentions up to it are cleared.
 *
 * The update alone locks the row: statements that lock a row and then update it deadlock with each other where a third has
 * locked the row's key, as the mention of a person does who reads at several screens.
 * @returns undefined for a chat that the user is not in. A position that has not moved is at least as far as asked.
 */
export async function updateReadPosition(
  sql: Sql,
  userId: number,
  chatId: number,
  seq: number | undefined,
): Promise<MovedPosition | undefined> {
  const wanted = sql`least(coalesce(${seq ?? null}::bigint, c.last_seq), c.last_seq)`;
  return maybe(
    await sql`
      with moved as (
        update chat_participants me
        set last_read_seq = ${wanted},
            last_read_at = now(),
            own_read_count = me.own_read_count + (
              select count(*) from messages
              where chat_id = me.chat_id
                and seq > me.last_read_seq
                and seq <= ${wanted}
                and user_id = me.user_id
            )
        from chats c
        where me.chat_id = ${chatId} and me.user_id = ${userId} and c.id = me.chat_id and ${wanted} > me.last_read_seq
        returning me.user_id, me.last_read_seq, me.joined_seq, me.last_read_at
      ),
      cleared as (
        delete from message_mentions
        where user_id = ${userId} and chat_id = ${chatId} and seq <= (select last_read_seq from moved)
      )
      select user_id, last_read_seq, joined_seq, last_read_at as read_at, true as has_moved
      from moved
      union all
      select me.user_id, greatest(me.last_read_seq, ${wanted}), me.joined_seq, me.last_read_at, false
      from chat_participants me
      join chats c on c.id = me.chat_id
      where me.chat_id = ${chatId} and me.user_id = ${userId} and not exists (select from moved)
    `,
    MovedPosition,
  );
}

const MovedRow = z.object({ last_seq: z.int(), hidden_ids: z.array(z.int()), ...Read.shape });

/** The positions of some participants, as a chat's room is shown them. */
export interface RoomReads {
  /** The chat's number at which they were read. */
  lastSeq: number;
  reads: Read[];
  /** The participants who do not want to be seen reading, and are shown nobody. */
  hiddenIds: ReadonlySet<number>;
}

/**
 * Finds the positions of those of some people who are participants and may be seen.
 * @returns undefined if there are none, and for a chat with more than `liveReadsMembersMax` participants
 */
export async function findRoomReads(
  sql: Sql,
  chatId: number,
  userIds: number[],
): Promise<RoomReads | undefined> {
  const rows = many(
    await sql`
      with people as materialized (
        select p.user_id, p.last_read_seq, p.joined_seq, p.last_read_at, u.read_receipts, c.last_seq
        from chats c
        join chat_participants p on p.chat_id = c.id
        join users u on u.id = p.user_id
        where c.id = ${chatId} and c.participant_count <= ${liveReadsMembersMax}
      )
      select user_id, last_read_seq, joined_seq, last_read_at as read_at, last_seq,
        array(select user_id from people where not read_receipts) as hidden_ids
      from people
      where read_receipts and user_id = any (${userIds}::bigint[])
    `,
    MovedRow,
  );
  const [first] = rows;
  if (!first) return undefined;
  return {
    lastSeq: first.last_seq,
    reads: rows.map(({ user_id, last_read_seq, joined_seq, read_at }) => ({
      user_id,
      last_read_seq,
      joined_seq,
      read_at,
    })),
    hiddenIds: new Set(first.hidden_ids),
  };
}

const UserIdsRow = z.object({ user_ids: z.array(z.int()) });

/**
 * Finds who may be shown the positions of a chat's other participants.
 * @returns undefined if all of them may, which is nearly always so
 */
export async function findViewers(sql: Sql, chatId: number): Promise<number[] | undefined> {
  const row = maybe(
    await sql`
      select coalesce(array_agg(p.user_id) filter (where u.read_receipts), '{}') as user_ids
      from chat_participants p
      join users u on u.id = p.user_id
      where p.chat_id = ${chatId}
      having not bool_and(u.read_receipts)
    `,
    UserIdsRow,
  );
  return row?.user_ids;
}
