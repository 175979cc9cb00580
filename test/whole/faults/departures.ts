// People who delete their accounts while faults strike.
import { z } from "zod";
import { many, type Sql } from "../../../src/database/connect.ts";
import { Chat } from "../../../src/wire/chats.ts";
import { Message } from "../../../src/wire/messages.ts";
import { tablesWith } from "../../database/texts.ts";
import { backoffMs } from "./backoff.ts";
import type { Departure, LeftBehind } from "./history.ts";
import { password, registerPerson, type Person } from "./people.ts";
import type { Random } from "./random.ts";
import { readStored } from "./stored.ts";

/** Enough for several statements of an erasure in each chat, so that a fault can be between them. */
const messagesOfChat = 250;
const pollMs = 200;

export interface Leaver {
  person: Person;
  departure: Departure;
}

/** Makes people who are going to leave, and their chats, before any fault strikes. */
export async function prepareLeavers(
  sql: Sql,
  { url, staying, prefix, count }: { url: string; staying: Person; prefix: string; count: number },
): Promise<Leaver[]> {
  const leavers: Leaver[] = [];
  for (let index = 0; index < count; index += 1) {
    const name = `${prefix}-goes${index}`;
    const messages = index % 2 === 0 ? "erase" : "keep";
    leavers.push(await prepareLeaver(sql, { url, staying, name, messages }));
  }
  return leavers;
}

async function prepareLeaver(
  sql: Sql,
  {
    url,
    staying,
    name,
    messages,
  }: { url: string; staying: Person; name: string; messages: Departure["messages"] },
): Promise<Leaver> {
  const person = await registerPerson(url, name);
  const [word, profileWord] = ["text", "profile"].map((kind) =>
    `${kind}of${name}`.replaceAll(/[^a-z0-9]/gi, ""),
  ) as [string, string];
  await sure(person, "PATCH", "/api/auth/me", {
    display_name: profileWord,
    bio: `I am ${profileWord}.`,
  });
  const open = async (owner: Person, others: Person[]) => {
    const body = {
      name: "a chat",
      is_group: true,
      participant_usernames: others.map(({ username }) => username),
    };
    return Chat.parse(await sure(owner, "POST", "/api/chats", body)).id;
  };
  const ownChatId = await open(person, []);
  const sharedChatIds = [await open(person, [staying]), await open(staying, [person])];
  const departure: Departure = {
    userId: person.id,
    username: name,
    messages,
    word,
    profileWord,
    ownChatId,
    sharedChatIds,
    sent: [],
    isDone: false,
  };
  for (const chatId of [ownChatId, ...sharedChatIds]) {
    departure.sent.push(...(await write(sql, person.id, chatId, word)));
    departure.sent.push(await writeAndEdit(person, chatId, word));
  }
  for (const chatId of sharedChatIds) {
    const path = `/api/chats/${chatId}/messages`;
    const { id } = Message.parse(await sure(staying, "POST", path, { content: "I stay." }));
    await sure(person, "POST", `${path}/${id}/report`, { reason: `I dislike it, says ${word}.` });
  }
  return { person, departure };
}

/** Writes many messages at once. */
async function write(sql: Sql, userId: number, chatId: number, word: string) {
  const rows = many(
    await sql`
      with moved as (
        update chats
        set last_seq = last_seq + ${messagesOfChat}::int, message_count = message_count + ${messagesOfChat}::int
        where id = ${chatId}
        returning id, last_seq - ${messagesOfChat}::int as before, message_count - ${messagesOfChat}::int as older
      )
      insert into messages (chat_id, user_id, content, seq, updated_seq, ordinal)
      select id, ${userId}, ${`${word} `}::text || n, before + n, before + n, older + n
      from moved, generate_series(1, ${messagesOfChat}::int) n
      returning id, content
    `,
    z.object({ id: z.int(), content: z.string() }),
  );
  return rows.map(({ id, content }) => ({ chatId, messageId: id, content }));
}

async function writeAndEdit(person: Person, chatId: number, word: string) {
  const path = `/api/chats/${chatId}/messages`;
  const first = await sure(person, "POST", path, { content: `${word} at first` });
  const { id } = Message.parse(first);
  const content = `${word} in the end`;
  await sure(person, "PATCH", `${path}/${id}`, { content });
  return { chatId, messageId: id, content };
}

async function sure(person: Person, method: string, path: string, body: unknown): Promise<unknown> {
  const reply = await person.certainly(method, path, body);
  if (reply?.status !== 200) throw new Error(`${method} ${path}: ${JSON.stringify(reply)}`);
  return reply.body;
}

/** Deletes an account: tries until it is certain. */
export async function depart(
  { person, departure }: Leaver,
  random: Random,
  {
    retryMsMax,
    givenUpMs,
    onIncident,
  }: { retryMsMax: number; givenUpMs: number; onIncident: (words: string) => void },
): Promise<void> {
  const body = { password, messages: departure.messages };
  const begun = performance.now();
  for (let tries = 1; ; tries += 1) {
    const reply = await person.api("DELETE", "/api/auth/me", body);
    // A try whose reply was lost has ended the session.
    if (reply?.status === 200 || (reply?.status === 401 && tries > 1)) {
      departure.isDone = true;
      return;
    }
    if (reply && reply.status < 500) {
      return onIncident(`the deletion of an account was answered with ${JSON.stringify(reply)}`);
    }
    if (performance.now() - begun > givenUpMs) {
      return onIncident(`the deletion of ${departure.username} was given up`);
    }
    await Bun.sleep(random.int(1, backoffMs(retryMsMax, tries)));
  }
}

const LeftPerson = z
  .object({
    id: z.int(),
    username: z.string(),
    email: z.string(),
    is_deleted: z.boolean(),
    sessions: z.int(),
    chats: z.int(),
  })
  .transform(({ is_deleted: isDeleted, ...person }) => ({ ...person, isDeleted }));

/** Waits until all deletions are finished, and reads what is left of those people. */
export async function readLeftBehind(
  sql: Sql,
  departures: Departure[],
  staying: Person,
  msMax: number,
): Promise<LeftBehind> {
  const userIds = departures.map(({ userId }) => userId);
  const deadline = performance.now() + msMax;
  let unfinished: number[];
  let tables: LeftBehind["tablesWith"];
  for (;;) {
    unfinished = many(
      await sql`
        select user_id from account_deletions where user_id = any (${userIds}::bigint[])
      `,
      z.object({ user_id: z.int() }),
    ).map((row) => row.user_id);
    tables = await readTables(sql, departures);
    const isClean = [...tables.values()].every((names) => names.length === 0);
    if ((unfinished.length === 0 && isClean) || performance.now() > deadline) break;
    await Bun.sleep(pollMs);
  }
  const people = many(
    await sql`
      select id, username, email, deleted_at is not null as is_deleted,
        (select count(*)::int from sessions where user_id = u.id) as sessions,
        (select count(*)::int from chat_participants where user_id = u.id) as chats
      from users u where id = any (${userIds}::bigint[])
    `,
    LeftPerson,
  );
  const chatIds = departures.flatMap(({ ownChatId, sharedChatIds }) => [
    ownChatId,
    ...sharedChatIds,
  ]);
  const owners = many(
    await sql`select id, owner_id from chats where id = any (${chatIds}::bigint[])`,
    z.object({ id: z.int(), owner_id: z.int() }),
  );
  const chats = await readStored(sql, chatIds);
  const loads: LeftBehind["loads"] = [];
  for (const { id: chatId } of chats) {
    loads.push({ chatId, userId: staying.id, found: await staying.load(chatId) });
  }
  return {
    unfinished,
    tablesWith: tables,
    people: new Map(people.map(({ id, ...person }) => [id, person])),
    owners: new Map(owners.map(({ id, owner_id }) => [id, owner_id])),
    chats,
    loads,
    stayingId: staying.id,
  };
}

/** The words that should be nowhere, with their tables. */
async function readTables(sql: Sql, departures: Departure[]) {
  const found = new Map<string, string[]>();
  for (const { word, profileWord, messages } of departures) {
    found.set(profileWord, await tablesWith(sql, profileWord));
    if (messages === "erase") found.set(word, await tablesWith(sql, word));
  }
  return found;
}
