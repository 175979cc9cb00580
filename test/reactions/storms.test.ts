// Many people who react at the same moment, on one server and on two.
import { beforeAll, expect, test } from "bun:test";
import { createStoreReaction } from "../../src/reactions/commit.ts";
import { storeReactions } from "../../src/reactions/queries.ts";
import type { RunningServer } from "../../src/server.ts";
import type { Frame } from "../world/socket.ts";
import { useWorld, type Person } from "../world/world.ts";

const crowd = 200;
const smile = "😀";

const world = useWorld({ durations: { logCheckMs: 50, gapMs: 50 } });
let other: RunningServer;
let owner: Person;
let people: Person[];
beforeAll(async () => {
  other = world.startAnother();
  owner = await world.person("owner");
  people = await Promise.all(Array.from({ length: crowd }, () => world.person("fan")));
});

async function room(messages = 1) {
  const chat = await owner.chat({ with: people });
  const ids: number[] = [];
  for (let n = 0; n < messages; n += 1) ids.push((await owner.say(chat.id, `message ${n}`)).id);
  return { chatId: chat.id, messageIds: ids, socket: await owner.joined(chat.id) };
}

async function react(
  person: Person,
  {
    chatId,
    messageId,
    emoji,
    on = true,
    url = world.url,
  }: {
    chatId: number;
    messageId: number | undefined;
    emoji: string;
    on?: boolean;
    url?: string;
  },
) {
  const path = `/api/chats/${chatId}/messages/${messageId}/reactions/${encodeURIComponent(emoji)}`;
  const response = await fetch(url + path, {
    method: on ? "PUT" : "DELETE",
    headers: { authorization: `Bearer ${person.token}` },
  });
  return response.status;
}

const shownIn = async (chatId: number) =>
  (await owner.api("GET", `/api/chats/${chatId}/messages`)).body;

/** Settles when a socket has everything up to a number. */
async function numbersUpTo(socket: { frames: Frame[]; settle(): Promise<void> }, last: number) {
  const has = () => socket.frames.some((frame) => frame.updated_seq === last);
  while (!has()) await socket.settle();
  const frames = socket.frames.filter((frame) => typeof frame.updated_seq === "number");
  return frames.map((frame) => Number(frame.updated_seq));
}

const range = (from: number, to: number) =>
  Array.from({ length: to - from + 1 }, (_, n) => from + n);

test("a reaction of each of many people is counted once, has one number, and comes once to each reader", async () => {
  const { chatId, messageIds, socket } = await room(4);
  const at = (n: number) => messageIds[n % messageIds.length];
  const statuses = await Promise.all(
    people.map((person, n) => react(person, { chatId, messageId: at(n), emoji: smile })),
  );
  expect(new Set(statuses)).toEqual(new Set([200]));
  expect(await numbersUpTo(socket, 4 + crowd)).toEqual(range(5, 4 + crowd));
  const frames = socket.ofType("reaction");
  expect(new Set(frames.map(({ user_id }) => user_id)).size).toBe(crowd);
  for (const message of await shownIn(chatId)) {
    const own = frames.filter(({ message_id }) => message_id === message.id);
    expect(own.map(({ count }) => count)).toEqual(range(1, crowd / 4));
    expect(message.reactions).toEqual([
      { emoji: smile, count: crowd / 4, user_ids: own.map(({ user_id }) => user_id) },
    ]);
    expect(message.updated_seq).toBe(Number(own.at(-1)?.updated_seq));
  }
});

test("two servers that are sent the same reactions at once store each once, and both rooms see every number", async () => {
  const { chatId, messageIds, socket } = await room();
  const [messageId] = messageIds;
  const ways = [world.url, other.url];
  // Everybody reacts twice on both servers, and half of them take it back on one of the two.
  const all = people.flatMap((person) =>
    ways.flatMap((url) =>
      [smile, "🎉"].map((emoji) => react(person, { chatId, messageId, emoji, url })),
    ),
  );
  expect(new Set(await Promise.all(all))).toEqual(new Set([200]));
  const leaving = people.slice(0, crowd / 2);
  const gone = leaving.map((person, n) => {
    const url = ways[n % 2] ?? "";
    return react(person, { chatId, messageId, emoji: smile, on: false, url });
  });
  const joining = leaving.map((person, n) => {
    const url = ways[(n + 1) % 2] ?? "";
    return react(person, { chatId, messageId, emoji: "🥳", url });
  });
  expect(new Set(await Promise.all([...gone, ...joining]))).toEqual(new Set([200]));

  const last = 1 + 2 * crowd + crowd;
  expect(await numbersUpTo(socket, last)).toEqual(range(2, last));
  const [message] = await shownIn(chatId);
  expect(message.updated_seq).toBe(last);
  const counts = message.reactions.map(({ emoji, count }: { emoji: string; count: number }) => [
    emoji,
    count,
  ]);
  expect(Object.fromEntries(counts)).toEqual({ [smile]: crowd / 2, "🎉": crowd, "🥳": crowd / 2 });
  const stayed = new Set(people.slice(crowd / 2).map(({ id }) => id));
  const smiling = message.reactions.find(({ emoji }: { emoji: string }) => emoji === smile);
  expect(new Set(smiling.user_ids)).toEqual(stayed);
  // The last count of each emoji that the room was told is the stored one.
  for (const [emoji, count] of counts) {
    expect(socket.ofType("reaction").findLast((frame) => frame.emoji === emoji)?.count).toBe(count);
  }
});

test("a statement that has waited for a chat counts what was stored meanwhile", async () => {
  const { chatId, messageIds } = await room();
  const [messageId = 0] = messageIds;
  const change = (person: Person, on = true, emoji = smile) => ({
    chatId,
    messageId,
    userId: person.id,
    emoji,
    on,
  });
  const [ann, ben, eve] = people as [Person, Person, Person];
  await storeReactions(world.sql, [change(ann), change(eve)]);
  const rows = await world.whileLocked(
    chatId,
    1,
    () => storeReactions(world.sql, [change(ann, false), change(ben), change(eve, false, "🎉")]),
    async (transaction) => {
      await storeReactions(transaction, [change(ann, false), change(ben), change(ann, true, "🥳")]);
    },
  );
  expect(rows.map(({ outcome, seq }) => ({ outcome, seq }))).toEqual([
    { outcome: "stored", seq: null },
    { outcome: "stored", seq: null },
    { outcome: "stored", seq: null },
  ]);
  expect(rows[0]?.reactions).toEqual([
    { emoji: smile, count: 2, user_ids: [eve.id, ben.id] },
    { emoji: "🥳", count: 1, user_ids: [ann.id] },
  ]);
  const [message] = await shownIn(chatId);
  expect(message).toMatchObject({ updated_seq: 6, reactions: rows[0]?.reactions });
});

test("an emoji that is taken back by all and used again goes to the end, within one statement too", async () => {
  const { chatId, messageIds } = await room();
  const [messageId = 0] = messageIds;
  const [ann, ben] = people as [Person, Person];
  const change = (person: Person, emoji: string, on = true) => ({
    chatId,
    messageId,
    userId: person.id,
    emoji,
    on,
  });
  await storeReactions(world.sql, [change(ann, smile), change(ben, "🎉")]);
  const [row] = await storeReactions(world.sql, [
    change(ann, smile, false),
    change(ann, "🥳"),
    change(ben, smile),
  ]);
  expect(row?.reactions).toEqual([
    { emoji: "🎉", count: 1, user_ids: [ben.id] },
    { emoji: "🥳", count: 1, user_ids: [ann.id] },
    { emoji: smile, count: 1, user_ids: [ben.id] },
  ]);
});

test("of opposite actions of one person that are stored together the last one counts", async () => {
  const { chatId, messageIds } = await room();
  const [messageId = 0] = messageIds;
  const [ann] = people as [Person];
  const store = createStoreReaction(world.sql);
  const act = (on: boolean, emoji = smile) =>
    store({ chatId, messageId, userId: ann.id, emoji, on });
  // The first of a queue is stored alone, and those after it together.
  const [, on, off, onAgain, party] = await Promise.all([
    act(true, "🎉"),
    act(true),
    act(false),
    act(true),
    act(false, "🎉"),
  ]);
  const reactions = [{ emoji: smile, count: 1, user_ids: [ann.id] }];
  const stored = { outcome: "stored" as const, reactions, updatedSeq: 4 };
  expect([on, off]).toEqual(Array(2).fill({ ...stored, change: undefined }));
  expect(onAgain).toEqual({ ...stored, change: { seq: 3, count: 1 } });
  expect(party).toEqual({ ...stored, change: { seq: 4, count: 0 } });
});

test("reactions that were told to nobody are read from the log, as they were", async () => {
  const { chatId, messageIds, socket } = await room();
  const [messageId = 0] = messageIds;
  const [ann, ben] = people as [Person, Person];
  const change = { chatId, messageId, emoji: smile };
  await storeReactions(world.sql, [
    { ...change, userId: ann.id, on: true },
    { ...change, userId: ben.id, on: true },
  ]);
  await storeReactions(world.sql, [{ ...change, userId: ann.id, on: false }]);
  await numbersUpTo(socket, 4);
  const head = { type: "reaction", chat_id: chatId, message_id: messageId, emoji: smile };
  const by = ({ id, username }: Person) => ({ user_id: id, username });
  expect(socket.ofType("reaction")).toEqual([
    { ...head, ...by(ann), on: true, count: 1, updated_seq: 2 },
    { ...head, ...by(ben), on: true, count: 2, updated_seq: 3 },
    { ...head, ...by(ann), on: false, count: 1, updated_seq: 4 },
  ]);
});
