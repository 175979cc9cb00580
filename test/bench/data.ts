// The people and chats of the benchmark's database. People 1 to 64 send, the next 100 ask the model, one has a long list of
// chats, and the others are in 20 chats each. Chats 1 to 1,000 are rooms with ten messages each, then come a long chat, one
// with everybody, and the rooms of those who ask.
import type postgres from "postgres";
import { signAccessToken } from "../../src/accounts/access-tokens.ts";
import { readConfig } from "../../src/config/config.ts";
import type { Scale } from "./scale.ts";

const config = readConfig({ NODE_ENV: "test", ACCESS_TOKEN_EXPIRE_MINUTES: "600" });
const sessionOf = (userId: number) => `00000000-0000-4000-8000-${String(userId).padStart(12, "0")}`;

/** An access token for a person of {@link fill}. */
export function tokenOf(userId: number, secretKey: string): Promise<string> {
  const user = { id: userId, username: `user${userId}` };
  return signAccessToken(
    { config: { ...config, secretKey }, now: () => new Date() },
    user,
    sessionOf(userId),
  );
}

export const chats = 1_000;
export const senders = 64;
/** A room that all senders are in. */
export const hotRoom = chats;
/** Rooms without people in common: nobody in one is told of another's activity. */
export const separateRooms = [11, 12, 13, 14, 15];
const messagesOfChat = 10;
/** One of the 15 rooms that a sender shares with no other sender. */
export const roomOf = (userId: number, place: number) => userId + senders * (place % 15);

/** The chat with a million messages. */
export const longChat = chats + 1;
/** The chat of all people. */
export const crowdChat = chats + 2;

/** People who ask the model; none of them sends otherwise. */
const askers = 100;
export const askerOf = (index: number) => senders + 1 + (index % askers);
/** One of the rooms that only one asker is in, with a short history each. They begin again after the last. */
export const roomOfAsker = ({ roomsOfAsker }: Scale, index: number, turn: number) =>
  crowdChat + 1 + (index % askers) + askers * (turn % roomsOfAsker);
const messagesOfRoom = 20;

/** Some people of one of the {@link separateRooms}. */
export async function peopleOf(sql: postgres.Sql, chatId: number): Promise<number[]> {
  const rows = await sql`
    select user_id::int from chat_participants
    where chat_id = ${chatId} and user_id <> ${lister}
    order by user_id limit ${senders}
  `;
  return rows.map(({ user_id }) => Number(user_id));
}

/** Somebody who is in the first 100 chats and no other. */
export const lister = senders + askers + 1;
export const listedChats = 100;
const firstInTwenty = lister + 1;
/** Somebody who is in 20 chats: {@link chatOf} and others, and the one of all people. */
export const personOf = (index: number) => firstInTwenty + index;
/** One of the chats of a person in 20 chats. */
export const chatOf = (userId: number) => 1 + ((userId * 7 + 53) % chats);

/** The tables whose columns differ between versions of the server. */
type Optional =
  | "messages.ordinal"
  | "chats.message_count"
  | "chats.participant_count"
  | "chat_participants.own_count";

/** SQL for a column that not every version of the schema has. */
interface Columns {
  has(column: Optional): boolean;
  /** A comma and the name; nothing if there is no such column. */
  name(column: Optional): postgres.Fragment;
  /** A comma and the value; nothing if there is no such column. */
  value(column: Optional, value: postgres.Fragment): postgres.Fragment;
}

async function columnsOf(sql: postgres.Sql): Promise<Columns> {
  const rows = await sql`
    select table_name || '.' || column_name as name from information_schema.columns where table_schema = current_schema()
  `;
  const known = new Set(rows.map(({ name }) => String(name)));
  return {
    has: (column) => known.has(column),
    name: (column) => (known.has(column) ? sql.unsafe(`, ${column.split(".")[1]}`) : sql``),
    value: (column, value) => (known.has(column) ? sql`, ${value}` : sql``),
  };
}

/** Fills an empty, migrated database. */
export async function fill(sql: postgres.Sql, scale: Scale): Promise<void> {
  const columns = await columnsOf(sql);
  await fillPeople(sql, scale);
  await fillChats(sql, columns, chats, messagesOfChat);
  await fillChats(sql, columns, 1, scale.longChatLength);
  await fillChats(sql, columns, 1, 0);
  await fillParticipants(sql, scale);
  await fillRoomsOfAskers(sql, columns, scale);
  if (columns.has("chats.participant_count")) {
    // The size of a chat decides what its people are told of each other.
    await sql`
      update chats set participant_count = people.count
      from (select chat_id, count(*) from chat_participants group by chat_id) people
      where people.chat_id = chats.id
    `;
  }
  const [index] = await sql`select to_regclass('search_progress') is not null as exists`;
  if (index?.exists) {
    // Otherwise the server would index the messages of all rooms while it is measured.
    await sql`
      insert into search_progress (chat_id, indexed_seq) select id, last_seq from chats
      on conflict (chat_id) do update set indexed_seq = excluded.indexed_seq
    `;
  }
  await sql`vacuum analyze`;
}

async function fillPeople(sql: postgres.Sql, { people }: Scale): Promise<void> {
  await sql`
    insert into users (username, email, hashed_password)
    select 'user' || n, 'user' || n || '@example.com', 'none' from generate_series(1, ${people}::int) n
  `;
  await sql`
    insert into sessions (id, user_id, refresh_token_hash, expires_at)
    select ('00000000-0000-4000-8000-' || lpad(n::text, 12, '0'))::uuid, n, '\\x00', now() + interval '1 day'
    from generate_series(1, ${people}::int) n
  `;
}

/** Adds chats with as many messages each, written by the senders in turn. */
async function fillChats(sql: postgres.Sql, columns: Columns, count: number, length: number) {
  await sql`
    with made as (
      insert into chats (name, owner_id, is_group, last_seq ${columns.name("chats.message_count")})
      select 'room', 1, true, ${length}::int ${columns.value("chats.message_count", sql`${length}::int`)}
      from generate_series(1, ${count}::int)
      returning id
    )
    insert into messages (chat_id, user_id, content, seq, updated_seq ${columns.name("messages.ordinal")})
    select id, 1 + n % ${senders}::int, 'message number ' || n, n, n ${columns.value("messages.ordinal", sql`n`)}
    from made, generate_series(1, ${length}::int) n
  `;
}

async function fillParticipants(sql: postgres.Sql, { people, returning }: Scale): Promise<void> {
  const inTwenty = sql`generate_series(${personOf(0)}::int, ${people}::int)`;
  await sql`
    insert into chat_participants (chat_id, user_id)
    select chat, person
    from generate_series(1, ${crowdChat}::int) chat, generate_series(1, ${senders}::int) person
    where chat % ${senders}::int = person % ${senders}::int or chat = any (${[hotRoom, longChat, crowdChat]}::int[])
    union
    select 1 + (person * 7 + place * 53) % ${chats}::int, person from ${inTwenty} person, generate_series(1, 19) place
    union all
    select ${crowdChat}::int, person from ${inTwenty} person
    union all
    select ${longChat}::int, ${personOf(0)}::int + n from generate_series(0, ${returning - 1}::int) n
    union all
    select chat, ${lister}::int from generate_series(1, ${listedChats}::int) chat
  `;
}

async function fillRoomsOfAskers(sql: postgres.Sql, columns: Columns, scale: Scale) {
  const first = roomOfAsker(scale, 0, 0);
  const last = roomOfAsker(scale, askers - 1, scale.roomsOfAsker - 1);
  const rooms = sql`generate_series(${first}::int, ${last}::int) room`;
  const asker = sql`${askerOf(0)}::int + (room - ${first}::int) % ${askers}::int`;
  const length = sql`${messagesOfRoom}::int`;
  await sql`
    insert into chats (name, owner_id, is_group, last_seq ${columns.name("chats.message_count")})
    select 'room', 1, true, ${length} ${columns.value("chats.message_count", length)} from ${rooms}
  `;
  await sql`
    insert into chat_participants (chat_id, user_id ${columns.name("chat_participants.own_count")})
    select room, ${asker} ${columns.value("chat_participants.own_count", length)} from ${rooms}
  `;
  await sql`
    insert into messages (chat_id, user_id, content, seq, updated_seq ${columns.name("messages.ordinal")})
    select room, ${asker}, 'message number ' || n || ' with some more words in it', n, n ${columns.value("messages.ordinal", sql`n`)}
    from ${rooms}, generate_series(1, ${length}) n
  `;
  // Somebody has asked there before: the first question of all makes these rows.
  await sql`
    insert into budgets (kind, id, day)
    select 'chat', room, current_date from ${rooms}
    union all
    select 'user', ${askerOf(0)}::int + n, current_date from generate_series(0, ${askers - 1}::int) n
  `;
}
