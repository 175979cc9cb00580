import type postgres from "postgres";
import { signAccessToken } from "../../src/accounts/access-tokens.ts";
import { readConfig } from "../../src/config/config.ts";

const config = readConfig({ NODE_ENV: "test", ACCESS_TOKEN_EXPIRE_MINUTES: "600" });
const sessionOf = (userId: number) => `00000000-0000-4000-8000-${String(userId).padStart(12, "0")}`;

/** An access token for a person of {@link fill}. */
export function tokenOf(userId: number, secretKey: string): Promise<string> {
  const user = { id: userId, username: `user${userId}` };
  return signAccessToken({ config, secretKey, now: () => new Date() }, user, sessionOf(userId));
}

export const people = 10_000;
export const chats = 1_000;
export const senders = 64;
/** Rooms that all senders are in: the hot one, and those of the fan-out. */
const shared = [1, 2, 11, 101];
/** One of the 15 rooms that a sender shares with no other sender. */
export const roomOf = (userId: number, place: number) => userId + senders * (place % 15);
/** Somebody who is in 20 chats and the long one. */
export const returning = 5_000;
/** The chat with a million messages. */
export const longChat = chats + 1;
export const longChatLength = 1_000_000;

/** People who ask the model; none of them sends otherwise. */
export const askers = 100;
export const askerOf = (index: number) => senders + 1 + index;
const roomsOfAsker = 100;
/** One of the rooms that only one asker is in, with a short history each. They begin again after the last. */
export const roomOfAsker = (index: number, turn: number) =>
  longChat + 1 + index + askers * (turn % roomsOfAsker);
const messagesOfRoom = 20;

/** 10,000 people, 1,000 chats: the first 64, who send, share them out among themselves, the others are in 20 each; and one long chat. */
export async function fill(sql: postgres.Sql): Promise<void> {
  await sql`
    insert into users (username, email, hashed_password)
    select 'user' || n, 'user' || n || '@example.com', 'none' from generate_series(1, ${people}::int) n
  `;
  await sql`
    insert into sessions (id, user_id, refresh_token_hash, expires_at)
    select ('00000000-0000-4000-8000-' || lpad(n::text, 12, '0'))::uuid, n, '\\x00', now() + interval '1 day'
    from generate_series(1, ${people}::int) n
  `;
  await sql`
    insert into chats (name, owner_id, is_group) select 'room ' || n, 1, true from generate_series(1, ${longChat}::int) n
  `;
  await sql`
    insert into chat_participants (chat_id, user_id)
    select chat, person
    from generate_series(1, ${longChat}::int) chat, generate_series(1, ${senders}::int) person
    where chat % ${senders}::int = person % ${senders}::int or chat = any (${[...shared, longChat]}::int[])
  `;
  await sql`
    insert into chat_participants (chat_id, user_id)
    select 1 + (person * 7 + place * 53) % ${chats}::int, person
    from generate_series(${senders + 1}::int, ${people}::int) person, generate_series(1, 20) place
    on conflict do nothing
  `;
  await sql`
    insert into chat_participants (chat_id, user_id) values (${longChat}, ${returning})
  `;
  await sql`
    insert into messages (chat_id, user_id, content, seq, updated_seq, ordinal)
    select ${longChat}, 1 + n % ${senders}::int, 'message number ' || n, n, n, n
    from generate_series(1, ${longChatLength}::int) n
  `;
  await sql`
    update chats set last_seq = ${longChatLength}, message_count = ${longChatLength} where id = ${longChat}
  `;
  await fillRoomsOfAskers(sql);
  await sql`vacuum analyze`;
}

async function fillRoomsOfAskers(sql: postgres.Sql): Promise<void> {
  const [first, last] = [roomOfAsker(0, 0), roomOfAsker(askers - 1, roomsOfAsker - 1)];
  const askerOfRoom = sql`${askerOf(0)}::int + (room - ${first}::int) % ${askers}::int`;
  await sql`
    insert into chats (name, owner_id, is_group, last_seq, message_count)
    select 'room ' || room, 1, true, ${messagesOfRoom}, ${messagesOfRoom}
    from generate_series(${first}::int, ${last}::int) room
  `;
  await sql`
    insert into chat_participants (chat_id, user_id, own_count)
    select room, ${askerOfRoom}, ${messagesOfRoom} from generate_series(${first}::int, ${last}::int) room
  `;
  await sql`
    insert into messages (chat_id, user_id, content, seq, updated_seq, ordinal)
    select room, ${askerOfRoom}, 'message number ' || n || ' with some more words in it', n, n, n
    from generate_series(${first}::int, ${last}::int) room, generate_series(1, ${messagesOfRoom}::int) n
  `;
  // Somebody has asked there before: the first question of all makes these rows.
  await sql`
    insert into budgets (kind, id, day)
    select 'chat', room, current_date from generate_series(${first}::int, ${last}::int) room
    union all
    select 'user', ${askerOf(0)}::int + n, current_date from generate_series(0, ${askers - 1}::int) n
  `;
}
