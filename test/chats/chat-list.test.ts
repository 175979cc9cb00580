import { expect, test } from "bun:test";
import { useWorld, type Person } from "../world/world.ts";
import { expectProblem } from "../http/refusals.ts";

/** The recurring tasks that look most often would be among the statements that are counted. */
const never = 3_600_000;
const world = useWorld({
  durations: { recoveryMs: never, indexMs: never, jobPollMs: never, webhookMs: never },
});

const list = async (person: Person) => (await person.api("GET", "/api/chats")).body;

async function unreadOf(person: Person, chatId: number): Promise<number> {
  return (await list(person)).find((chat: { id: number }) => chat.id === chatId)?.unread_count;
}

/** Counts the statements that the server sends while `work` runs: the fewest of three tries, since recurring tasks may send some, too. */
async function statementsOf(work: () => Promise<unknown>): Promise<number> {
  const counts: number[] = [];
  for (let i = 0; i < 3; i += 1) {
    let count = 0;
    world.sql.options.debug = () => void (count += 1);
    await work();
    world.sql.options.debug = false;
    counts.push(count);
  }
  return Math.min(...counts);
}

test("a newcomer has no chats", async () => {
  expect(await list(await world.person())).toEqual([]);
});

test("nobody lists chats without a token", async () => {
  expectProblem(await world.call("GET", "/api/chats"), 401, "invalid_token");
});

test("an empty chat is a Chat with nothing unread and nulls for its last message", async () => {
  const ann = await world.person("ann");
  const chat = await ann.chat({ name: "Empty" });
  const [summary] = await list(ann);
  expect(Object.keys(summary)).toEqual([
    "id",
    "name",
    "is_named",
    "owner_id",
    "is_group",
    "is_ai_chat",
    "created_at",
    "last_seq",
    "updated_seq",
    "settings",
    "picture_url",
    "unread_count",
    "last_message",
    "last_message_time",
    "muted_until",
    "pinned",
    "mention_count",
  ]);
  expect(Object.keys(summary.settings)).toEqual(Object.keys(chat.settings));
  expect(summary).toEqual({
    ...chat,
    unread_count: 0,
    last_message: null,
    last_message_time: null,
    muted_until: null,
    pinned: false,
    mention_count: 0,
  });
});

test("a chat has its last message's text and time, for everyone in it", async () => {
  const ann = await world.person("ann");
  const ben = await world.person("ben");
  const chat = await ann.chat({ with: [ben] });
  await ann.say(chat.id, "first");
  const last = await ben.say(chat.id, "  second, with 😀 ");
  for (const person of [ann, ben]) {
    const [summary] = await list(person);
    expect(summary).toMatchObject({
      id: chat.id,
      last_seq: 2,
      last_message: "  second, with 😀 ",
      last_message_time: last.created_at,
    });
  }
});

test("unread are others' messages above one's read position", async () => {
  const ann = await world.person("ann");
  const ben = await world.person("ben");
  const chat = await ann.chat({ with: [ben] });
  for (const text of ["1", "2", "3"]) await ann.say(chat.id, text);
  await ben.say(chat.id, "4");
  expect(await unreadOf(ann, chat.id)).toBe(1);
  expect(await unreadOf(ben, chat.id)).toBe(3);

  await ben.api("POST", `/api/chats/${chat.id}/mark-read`, { seq: 2 });
  expect(await unreadOf(ben, chat.id)).toBe(1);
  await ben.api("POST", `/api/chats/${chat.id}/mark-read`);
  expect(await unreadOf(ben, chat.id)).toBe(0);
  expect(await unreadOf(ann, chat.id)).toBe(1);
});

test("changes of a chat take numbers but are no unread messages", async () => {
  const ann = await world.person("ann");
  const ben = await world.person("ben");
  const cat = await world.person("cat");
  const chat = await ann.chat({ with: [ben] });
  await ann.say(chat.id, "one");
  await ann.api("PATCH", `/api/chats/${chat.id}`, { name: "Renamed" });
  await ann.api("POST", `/api/chats/${chat.id}/invite`, { username: cat.username });
  await ann.say(chat.id, "two");
  expect(await unreadOf(ben, chat.id)).toBe(2);
  await ben.api("POST", `/api/chats/${chat.id}/mark-read`, { seq: 3 });
  expect(await unreadOf(ben, chat.id)).toBe(1);
});

test("what was said before one came is not unread", async () => {
  const ann = await world.person("ann");
  const ben = await world.person("ben");
  const chat = await ann.chat();
  await ann.say(chat.id, "before");
  await ann.api("POST", `/api/chats/${chat.id}/invite`, { username: ben.username });
  expect(await unreadOf(ben, chat.id)).toBe(0);
  await ann.say(chat.id, "after");
  expect(await unreadOf(ben, chat.id)).toBe(1);
});

test("an answer of the model is unread for everyone, the asker too", async () => {
  const ann = await world.person("ann");
  const ben = await world.person("ben");
  const chat = await ann.chat({ with: [ben] });
  const socket = await ann.joined(chat.id);
  await ann.say(chat.id, "/bot hello");
  const done = await socket.next("bot_stream", { is_complete: true });
  expect(await unreadOf(ann, chat.id)).toBe(1);
  expect(await unreadOf(ben, chat.id)).toBe(2);
  expect((await list(ben))[0].last_message).toBe(done.full_response);
  await socket.close();
});

test("chats come by their newest activity: a message, or else their beginning", async () => {
  const ann = await world.person("ann");
  const ben = await world.person("ben");
  const chats = [];
  for (const name of ["a", "b", "c", "d"]) chats.push(await ann.chat({ name, with: [ben] }));
  const [a, , c] = chats;
  const order = async () => (await list(ann)).map((chat: { name: string }) => chat.name);
  expect(await order()).toEqual(["d", "c", "b", "a"]);
  await ben.say(a?.id ?? 0, "wake up");
  expect(await order()).toEqual(["a", "d", "c", "b"]);
  await ann.say(c?.id ?? 0, "me too");
  expect(await order()).toEqual(["c", "a", "d", "b"]);
});

test("only one's own chats are listed, and none that one has left, lost or seen deleted", async () => {
  const ann = await world.person("ann");
  const ben = await world.person("ben");
  const kept = await ann.chat({ with: [ben] });
  const left = await ann.chat({ with: [ben] });
  const lost = await ann.chat({ with: [ben] });
  const deleted = await ann.chat({ with: [ben] });
  await ann.chat({ name: "without Ben" });
  await ben.api("POST", `/api/chats/${left.id}/leave`);
  await ann.api("DELETE", `/api/chats/${lost.id}/participants/${ben.id}`);
  await ann.api("DELETE", `/api/chats/${deleted.id}`);
  expect((await list(ben)).map((chat: { id: number }) => chat.id)).toEqual([kept.id]);
  expect(await list(ann)).toHaveLength(4);
});

test("the list takes one statement, however many chats there are", async () => {
  const ann = await world.person("ann");
  const ben = await world.person("ben");
  await ann.chat({ with: [ben] });
  expect(await statementsOf(() => list(ann))).toBe(1);
  for (let i = 0; i < 40; i += 1) {
    const chat = await ann.chat({ with: [ben] });
    await ben.say(chat.id, `hello ${i}`);
  }
  const chats = await list(ann);
  expect(chats).toHaveLength(41);
  expect(chats[0]).toMatchObject({ last_message: "hello 39", unread_count: 1 });
  expect(await statementsOf(() => list(ann))).toBe(1);
});
