// The readers of one message.
import { beforeEach, expect, test } from "bun:test";
import { expectProblem, time } from "../http/refusals.ts";
import { useWorld, type Person } from "../world/world.ts";

const world = useWorld({ durations: { receiptsMs: 50 } });
let ann: Person;
let ben: Person;
let chatId: number;
beforeEach(async () => {
  ann = await world.person("ann");
  ben = await world.person("ben");
  chatId = (await ann.chat({ with: [ben] })).id;
});

const readers = (person: Person, messageId: number, chat = chatId) =>
  person.api("GET", `/api/chats/${chat}/messages/${messageId}/readers`);
const read = (person: Person, seq?: number) =>
  person.api("POST", `/api/chats/${chatId}/mark-read`, { seq });
const hide = (person: Person, read_receipts = false) =>
  person.api("PATCH", "/api/auth/me", { read_receipts });
const by = ({ id, username }: Person) => ({ user_id: id, username, read_at: time });

test("who has read a message is listed by the time of reading, without its author", async () => {
  const cat = await world.person("cat");
  chatId = (await ann.chat({ with: [ben, cat] })).id;
  const { id } = await ann.say(chatId, "one");
  expect((await readers(ann, id)).body).toEqual([]);
  for (const person of [cat, ann, ben]) await read(person);
  for (const person of [ann, ben, cat]) {
    const { status, body } = await readers(person, id);
    expect(status).toBe(200);
    expect(body).toEqual([by(cat), by(ben)]);
  }
  const answer = await ben.say(chatId, "two");
  expect((await readers(ann, answer.id)).body).toEqual([]);
});

test("an answer of the bot has everybody as a reader, also who asked", async () => {
  await ann.say(chatId, "/bot help");
  const { body: messages } = await ann.api("GET", `/api/chats/${chatId}/messages`);
  const answer = messages.find((message: { is_bot: boolean }) => message.is_bot);
  for (const person of [ann, ben]) await read(person, answer.seq);
  expect((await readers(ann, answer.id)).body).toEqual([by(ann), by(ben)]);
});

test("whoever came later is no reader of what was written before", async () => {
  const before = await ann.say(chatId, "before");
  const group = await ann.chat({ with: [ben] });
  chatId = group.id;
  const old = await ann.say(chatId, "old");
  const eve = await world.person("eve");
  await ann.api("POST", `/api/chats/${chatId}/invite`, { username: eve.username });
  const later = await ann.say(chatId, "later");
  await read(eve);
  expect((await readers(ann, old.id)).body).toEqual([]);
  expect((await readers(ann, later.id)).body).toEqual([by(eve)]);
  expectProblem(await readers(ann, before.id), 404, "not_found");
});

test("more than 20 readers are listed, who left is not, and who does not want to be seen is not", async () => {
  const people = await Promise.all(Array.from({ length: 25 }, () => world.person("reader")));
  chatId = (await ann.chat({ with: people })).id;
  const { id } = await ann.say(chatId, "all");
  for (const person of people) await read(person);
  expect((await readers(ann, id)).body).toEqual(people.map(by));
  const [first = ben, second = ben, ...others] = people;
  await first.api("POST", `/api/chats/${chatId}/leave`);
  await hide(second);
  expect((await readers(ann, id)).body).toEqual(others.map(by));
  // Neither is anybody shown to the person, in lists of receipts and of readers.
  expect((await readers(second, id)).body).toEqual([]);
  const { body } = await second.api("GET", `/api/chats/${chatId}/read-receipts`);
  expect(body).toEqual({});
  expect((await ann.api("GET", `/api/chats/${chatId}/read-receipts`)).body[id]).toEqual(
    others.slice(0, 20).map(by),
  );
  await hide(second, true);
  expect((await readers(ann, id)).body).toEqual([second, ...others].map(by));
});

test("messages of other chats and unknown ids are not found", async () => {
  const { id } = await ann.say(chatId, "here");
  const other = await ben.chat();
  const elsewhere = await ben.say(other.id, "there");
  expectProblem(await readers(ann, elsewhere.id), 404, "not_found");
  expectProblem(await readers(ann, id + 1_000_000), 404, "not_found");
  expectProblem(await readers(ann, Number.MAX_SAFE_INTEGER), 404, "not_found");
  expectProblem(await readers(ben, id, other.id), 404, "not_found");
});

test("read_receipts_updated leaves out who does not want to be seen, and does not reach them", async () => {
  const cat = await world.person("cat");
  chatId = (await ann.chat({ with: [ben, cat] })).id;
  await hide(ben);
  const sockets = [await ann.socket({ isMerged: true }), await cat.socket({ isMerged: true })];
  await sockets[0]?.ask({ type: "join", chat_id: chatId });
  const bens = [await ben.socket({ isMerged: true }), await ben.socket({ isMerged: true })];
  await bens[0]?.ask({ type: "join", chat_id: chatId });
  const strangers = await (await world.person("eve")).socket({ isMerged: true });
  const { id } = await ann.say(chatId, "one");
  await read(ben);
  await read(cat);
  for (const socket of sockets) {
    for (;;) {
      const frame = await socket.next("read_receipts_updated", { chat_id: chatId });
      const shown: Record<string, unknown> = Object(frame.read_receipts);
      if (Object.keys(shown).length === 0) continue;
      expect(shown).toEqual({ [id]: [by(cat)] });
      break;
    }
  }
  for (const socket of [...bens, strangers]) {
    await socket.settle();
    expect(socket.ofType("read_receipts_updated")).toEqual([]);
  }
  expect(bens[1]?.ofType("read")).toHaveLength(1);
});
