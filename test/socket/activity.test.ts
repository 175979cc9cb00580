// News of a chat for people who are in it and have not joined: gathered, so that a busy room costs each of them little.
import { beforeAll, expect, test } from "bun:test";
import { useWorld, type Person } from "../world/world.ts";

const world = useWorld();
let ann: Person;
let ben: Person;
beforeAll(async () => {
  ann = await world.person("ann");
  ben = await world.person("ben");
});

test("a participant who has not joined hears of a message what a chat list shows", async () => {
  const chat = await ann.chat({ with: [ben] });
  const bens = await ben.socket();
  const message = await ann.say(chat.id, "x".repeat(500));
  expect(await bens.next("chat_activity")).toEqual({
    type: "chat_activity",
    chat_id: chat.id,
    seq: message.seq,
    user_id: ann.id,
    username: ann.username,
    is_bot: false,
    last_message: "x".repeat(200),
    last_message_time: message.created_at,
  });
  await bens.settle();
  expect(bens.ofType("message")).toEqual([]);
});

test("a burst comes as its first message at once and its last one soon after, not as every one", async () => {
  const chat = await ann.chat({ with: [ben] });
  const bens = await ben.socket();
  for (let index = 1; index <= 40; index += 1) await ann.say(chat.id, `message ${index}`);
  await bens.next("chat_activity", { last_message: "message 1" });
  await bens.next("chat_activity", { last_message: "message 40" });
  expect(bens.ofType("chat_activity").length).toBeLessThan(10);
});

test("a socket that has joined gets the messages and no news, and the news again after it leaves", async () => {
  const chat = await ann.chat({ with: [ben] });
  const bens = await ben.joined(chat.id);
  const other = await ben.socket();
  await ann.say(chat.id, "one");
  await other.next("chat_activity", { last_message: "one" });
  await bens.next("message", { content: "one" });
  await bens.ask({ type: "leave", chat_id: chat.id });
  expect(bens.ofType("chat_activity")).toEqual([]);
  await ann.say(chat.id, "two");
  await bens.next("chat_activity", { last_message: "two" });
});

test("somebody who was added while a socket was open hears the news on it; a stranger and who was removed do not", async () => {
  const chat = await ann.chat();
  const [bens, strangers] = [await ben.socket(), await (await world.person("eve")).socket()];
  await ann.api("POST", `/api/chats/${chat.id}/invite`, { username: ben.username });
  await ann.say(chat.id, "welcome");
  await bens.next("chat_activity", { last_message: "welcome" });
  await ann.api("DELETE", `/api/chats/${chat.id}/participants/${ben.id}`);
  await bens.next("removed_from_chat");
  const anns = await ann.socket();
  await ann.say(chat.id, "without ben");
  await anns.next("chat_activity", { last_message: "without ben" });
  await bens.settle();
  await strangers.settle();
  expect(bens.ofType("chat_activity").map((frame) => frame.last_message)).toEqual(["welcome"]);
  expect(strangers.ofType("chat_activity")).toEqual([]);
});

test("the end of an answer is news too, with the answer's text", async () => {
  const chat = await ann.chat({ with: [ben] });
  const bens = await ben.socket();
  await ann.say(chat.id, "/bot hello");
  expect(await bens.next("chat_activity", { is_bot: true })).toMatchObject({
    chat_id: chat.id,
    seq: 2,
    user_id: null,
    username: "Gemini",
    last_message: expect.stringContaining("demonstration"),
  });
});
