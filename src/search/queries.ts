// Finding messages by the index of their words. Each statement looks into chats that the caller is in at that moment only.
import { z } from "zod";
import { shownName } from "../chats/column-queries.ts";
import { many, maybe, type Sql } from "../database/connect.ts";
import { messageColumns, storedColumns } from "../log/messages.ts";
import { Message } from "../wire/messages.ts";

/** A message's place in the order of searches, which is that of time. */
export interface Place {
  /** Microseconds since the epoch: two messages of a millisecond have an order, too. */
  readonly at: number;
  readonly id: number;
}

/** A chat, and the place below which it has not been searched. */
export interface Unsearched {
  readonly chatId: number;
  readonly below: Place;
}

export interface Sought {
  readonly userId: number;
  /** See matchQuery. */
  readonly query: string;
  /** The time from which on messages are found. */
  readonly after: string | undefined;
}

const microseconds = (sql: Sql, column: string) =>
  sql.unsafe(`(extract(epoch from ${column}) * 1000000)::bigint`);
const timeOf = (sql: Sql, column: string) =>
  sql.unsafe(`timestamptz 'epoch' + ${column} * interval '1 microsecond'`);

/** The id of a user. @param from an id or a username */
export async function findAuthor(sql: Sql, from: string): Promise<number | undefined> {
  const isId = /^\d{1,15}$/.test(from);
  const row = maybe(
    await sql`
      select id from users where ${isId ? sql`id = ${from}::bigint` : sql`lower(username) = lower(${from})`}
    `,
    z.object({ id: z.int() }),
  );
  return row?.id;
}

/** All chats of the caller, or one of them. */
export interface OwnChats {
  readonly chatId: number | undefined;
  readonly below: Place;
}

const isOwnChats = (chats: OwnChats | readonly Unsearched[]): chats is OwnChats => "below" in chats;

/** The caller's chats, or those of them that are among some, as `t`, with the query for each. */
function searchedChats(
  sql: Sql,
  { userId, query }: Sought,
  chats: OwnChats | readonly Unsearched[],
) {
  const columns = sql`chat_id, replace(${query}, '$', chat_id::text)::tsquery as query`;
  if (isOwnChats(chats)) {
    const { chatId, below } = chats;
    return sql`
      (
        select ${columns}, timestamptz 'epoch' + ${below.at}::bigint * interval '1 microsecond' as at, ${below.id}::bigint as id
        from chat_participants
        where user_id = ${userId} ${chatId === undefined ? sql`` : sql`and chat_id = ${chatId}`}
      ) t
    `;
  }
  return sql`
    (
      select ${columns}, ${timeOf(sql, "chats.at")} as at, chats.id
      from unnest(
        ${chats.map(({ chatId }) => chatId)}::bigint[],
        ${chats.map(({ below }) => below.at)}::bigint[],
        ${chats.map(({ below }) => below.id)}::bigint[]
      ) as chats (chat_id, at, id)
      join chat_participants me using (chat_id)
      where me.user_id = ${userId}
    ) t
  `;
}

const ScanRow = z
  .object({
    chat_id: z.int(),
    rows: z.int(),
    last_at: z.int().nullable(),
    last_id: z.int().nullable(),
    ats: z.array(z.int()),
    ids: z.array(z.int()),
  })
  .transform(({ chat_id: chatId, rows, last_at, last_id, ats, ids }) => ({
    chatId,
    rows,
    /** The oldest message that was looked at. */
    last: last_at === null || last_id === null ? undefined : { at: last_at, id: last_id },
    found: ids.map((id, n): Place => ({ at: ats[n] ?? 0, id })),
  }));
export type Scan = z.infer<typeof ScanRow>;

/**
 * Looks at the newest messages of each chat, `rows` at most, and returns the matching ones among them, `limit` at most. It is quick
 * where many messages match: the index would return all of them.
 * @returns a result for each chat that the caller is in
 */
export async function scanNewest(
  sql: Sql,
  sought: Sought,
  chats: OwnChats | readonly Unsearched[],
  { rows, limit }: { rows: number; limit: number },
): Promise<Scan[]> {
  const { after } = sought;
  return many(
    await sql`
      select t.chat_id, scan.rows, ${microseconds(sql, "scan.last_at")} as last_at, scan.last_id, scan.ids,
        array(select ${microseconds(sql, "at")} from unnest(scan.ats) at) as ats
      from ${searchedChats(sql, sought, chats)}
      cross join lateral (
        select count(*)::int as rows, min(created_at) as last_at,
          (array_agg(message_id order by created_at, message_id))[1] as last_id,
          coalesce((array_agg(created_at order by created_at desc, message_id desc) filter (where matches))[1:${limit}], '{}') as ats,
          coalesce((array_agg(message_id order by created_at desc, message_id desc) filter (where matches))[1:${limit}], '{}') as ids
        from (
          select e.created_at, e.message_id, e.words @@ t.query as matches
          from search_entries e
          where e.chat_id = t.chat_id and (e.created_at, e.message_id) < (t.at, t.id)
            ${after === undefined ? sql`` : sql`and e.created_at >= ${after}`}
          order by e.created_at desc, e.message_id desc
          limit ${rows}
        ) newest
      ) scan
    `,
    ScanRow,
  );
}

const FoundRow = z.object({ at: z.int(), id: z.int() });

/**
 * Finds the newest matching messages of each chat by the index, `limit` at most.
 * @param above only messages above this place
 */
export async function findByIndex(
  sql: Sql,
  sought: Sought,
  chats: readonly Unsearched[],
  { above, limit }: { above: Place | undefined; limit: number },
): Promise<Place[]> {
  const { after } = sought;
  return many(
    await sql`
      select ${microseconds(sql, "found.created_at")} as at, found.message_id as id
      from ${searchedChats(sql, sought, chats)}
      cross join lateral (
        select created_at, message_id
        -- "offset 0": the other conditions must not lead the planner to an index in the order of time.
        from (select chat_id, created_at, message_id from search_entries e where e.words @@ t.query offset 0) matching
        where chat_id = t.chat_id and (created_at, message_id) < (t.at, t.id)
          ${after === undefined ? sql`` : sql`and created_at >= ${after}`}
          ${above === undefined ? sql`` : sql`and (created_at, message_id) > (timestamptz 'epoch' + ${above.at}::bigint * interval '1 microsecond', ${above.id}::bigint)`}
        order by created_at desc, message_id desc
        limit ${limit}
      ) found
    `,
    FoundRow,
  );
}

const MessageInChat = z
  .object({ ...Message.shape, chat_name: z.string() })
  .transform(({ chat_name: chatName, ...message }) => ({ chatName, message }));

/**
 * Reads messages that were found. Those are left out whose text was edited or deleted since it was indexed, and those of a chat that
 * the caller has left meanwhile.
 */
export async function findFoundMessages(
  sql: Sql,
  userId: number,
  ids: readonly number[],
): Promise<z.infer<typeof MessageInChat>[]> {
  return many(
    await sql`
      -- Materialised: the planner might begin with all messages of the caller's chats.
      with m as materialized (
        select ${storedColumns(sql)}, content_seq from messages
        where id = any (${[...ids]}::bigint[]) and deleted_at is null
      )
      select ${messageColumns(sql)}, ${shownName(sql, userId)} as chat_name
      from m
      join chats c on c.id = m.chat_id
      join chat_participants me on me.chat_id = m.chat_id and me.user_id = ${userId}
      join search_entries e on e.chat_id = m.chat_id and e.created_at = m.created_at and e.message_id = m.id
      left join users u on u.id = m.user_id
      where e.content_seq = coalesce(m.content_seq, m.seq)
    `,
    MessageInChat,
  );
}
