import { beforeAll, beforeEach, describe, expect } from "bun:test";
import { expectInvalid, expectProblem } from "../http/refusals.ts";
import { answer, answerAndHang, finish, say } from "../world/gemini/script.ts";
import { reactionNamesMax, reactionsPerMessageMax } from "../../src/wire/messages.ts";
import { useWorld, type Person } from "../world/world.ts";
import { longTest, test } from "../world/long.ts";

const world = useWorld();
let ann: Person;
let ben: Person;
let chatId: number;
let messageId: number;
beforeAll(async () => {
  ann = await world.person("ann");
  ben = await world.person("ben");
});
beforeEach(async () => {
  chatId = (await ann.chat({ with: [ben] })).id;
  messageId = (await ann.say(chatId, "Shall we?")).id;
});

type Method = "PUT" | "DELETE";
const change = (person: Person, method: Method, emoji: string, message = messageId) =>
  person.api(
    method,
    `/api/chats/${chatId}/messages/${message}/reactions/${encodeURIComponent(emoji)}`,
  );
const add = (person: Person, emoji: string, message?: number) =>
  change(person, "PUT", emoji, message);
const remove = (person: Person, emoji: string, message?: number) =>
  change(person, "DELETE", emoji, message);
const history = async (person = ann) =>
  (await person.api("GET", `/api/chats/${chatId}/messages`)).body;
const lastSeq = async () => (await ann.api("GET", `/api/chats/${chatId}`)).body.last_seq;
const reactFrame = (emoji: string, on = true) => ({
  type: "react",
  chat_id: chatId,
  message_id: messageId,
  emoji,
  on,
});

describe("a reaction", () => {
  test("is shown by the answer, by the message, and to the room under a number of its own", async () => {
    const socket = await ann.joined(chatId);
    const { status, body } = await add(ben, "👍");
    expect(status).toBe(200);
    expect(body).toEqual({
      reactions: [{ emoji: "👍", count: 1, user_ids: [ben.id] }],
      updated_seq: 2,
    });
    expect(await socket.next("reaction")).toEqual({
      type: "reaction",
      chat_id: chatId,
      message_id: messageId,
      emoji: "👍",
      user_id: ben.id,
      username: ben.username,
      on: true,
      count: 1,
      updated_seq: 2,
    });
    expect((await history())[0]).toMatchObject({ seq: 1, updated_seq: 2, ...body });
    expect(await lastSeq()).toBe(2);
  });

  test("is taken back by its own person only", async () => {
    await add(ann, "👍");
    await add(ben, "👍");
    const socket = await ann.joined(chatId);
    expect((await remove(ben, "👍")).body.reactions).toEqual([
      { emoji: "👍", count: 1, user_ids: [ann.id] },
    ]);
    expect(await socket.next("reaction")).toMatchObject({ user_id: ben.id, on: false, count: 1 });
    expect((await remove(ann, "👍")).body).toEqual({ reactions: [], updated_seq: 5 });
    expect(await socket.next("reaction")).toMatchObject({ user_id: ann.id, on: false, count: 0 });
    expect((await history())[0]).toMatchObject({ updated_seq: 5, reactions: [] });
  });

  test("stands in the order of first use, people in the order of theirs", async () => {
    for (const [person, emoji] of [
      [ben, "🎉"],
      [ann, "👍"],
      [ann, "🎉"],
    ] as const) {
      await add(person, emoji);
    }
    expect((await history())[0].reactions).toEqual([
      { emoji: "🎉", count: 2, user_ids: [ben.id, ann.id] },
      { emoji: "👍", count: 1, user_ids: [ann.id] },
    ]);
    await remove(ben, "🎉");
    await remove(ann, "🎉");
    await add(ben, "🎉");
    const { reactions } = (await history())[0];
    expect(reactions.map(({ emoji }: { emoji: string }) => emoji)).toEqual(["👍", "🎉"]);
  });

  test("that is already there, or was never there, succeeds without a number and without a frame", async () => {
    await add(ben, "👍");
    const socket = await ann.joined(chatId);
    const shown = [{ emoji: "👍", count: 1, user_ids: [ben.id] }];
    expect(await add(ben, "👍")).toMatchObject({ status: 200, body: { reactions: shown } });
    expect(await remove(ann, "👍")).toMatchObject({ status: 200, body: { reactions: shown } });
    expect(await remove(ben, "🎉")).toMatchObject({ status: 200, body: { reactions: shown } });
    const bens = await ben.socket();
    expect(await bens.ask(reactFrame("👍"))).toMatchObject({ type: "ack" });
    expect(await bens.ask(reactFrame("🎉", false))).toMatchObject({ type: "ack" });
    await socket.settle();
    expect(socket.ofType("reaction")).toEqual([]);
    expect(await lastSeq()).toBe(2);
  });

  test("by a frame is acknowledged, and does the same without a join", async () => {
    const socket = await ann.joined(chatId);
    const bens = await ben.socket();
    expect(await bens.ask(reactFrame("👍"))).toEqual({
      type: "ack",
      request_id: expect.any(String),
    });
    expect(await socket.next("reaction")).toMatchObject({ on: true, count: 1, updated_seq: 2 });
    expect(await bens.ask(reactFrame("👍", false))).toMatchObject({ type: "ack" });
    expect(await socket.next("reaction")).toMatchObject({ on: false, count: 0, updated_seq: 3 });
  });

  test("leaves a read chat read, and the list of chats in its order", async () => {
    await ben.api("POST", `/api/chats/${chatId}/mark-read`);
    const newer = await ann.chat({ with: [ben] });
    await ann.say(newer.id, "newer");
    await add(ann, "👍");
    const { body: chats } = await ben.api("GET", "/api/chats");
    expect(chats[0].id).toBe(newer.id);
    expect(chats.find(({ id }: { id: number }) => id === chatId).unread_count).toBe(0);
  });

  test("stays when its person leaves, who may then change nothing", async () => {
    await add(ben, "👍");
    await ben.api("POST", `/api/chats/${chatId}/leave`);
    expectProblem(await remove(ben, "👍"), 404, "not_found");
    expect((await history())[0].reactions).toEqual([{ emoji: "👍", count: 1, user_ids: [ben.id] }]);
  });
});

test("a returning client is sent the message with its reactions, then their frames live", async () => {
  await add(ben, "👍");
  const socket = await ann.socket();
  socket.send({ type: "join", chat_id: chatId, after_seq: 1 });
  const message = await socket.next("message");
  expect(message).toMatchObject({ seq: 1, updated_seq: 2, reactions: [{ emoji: "👍", count: 1 }] });
  expect(await socket.next("joined")).toMatchObject({ last_seq: 2, recovered: true });
  await add(ann, "👍");
  expect(await socket.next("reaction")).toMatchObject({ count: 2, updated_seq: 3 });
});

test("a running answer takes reactions, and still ends once, with its own number", async () => {
  const socket = await ann.joined(chatId);
  world.gemini.respondWith(answerAndHang(say("On and on")));
  await ann.say(chatId, "/bot for ever?");
  const { message_id: answerId } = await socket.next("bot_stream", { chunk: "On and on" });
  const running = Number(answerId);
  expect((await add(ben, "🤖", running)).body.reactions).toHaveLength(1);
  expect(await socket.next("reaction")).toMatchObject({ message_id: running, updated_seq: 4 });

  const { body: stopped } = await ann.api("POST", `/api/chats/${chatId}/messages/${running}/stop`);
  expect(stopped).toMatchObject({ status: "stopped", updated_seq: 5, reactions: [{ count: 1 }] });
  expect(await socket.next("bot_stream", { is_complete: true })).toMatchObject({ updated_seq: 5 });
  await add(ann, "🤖", running);
  expect(await socket.next("reaction")).toMatchObject({ count: 2, updated_seq: 6 });

  const late = await ben.joined(chatId, 0);
  expect(late.ofType("bot_stream")).toEqual([]);
  const shown = late.ofType("message").find((frame) => frame.message_id === running);
  expect(shown).toMatchObject({ status: "stopped", updated_seq: 6, reactions: [{ count: 2 }] });
});

test("a message that is sent again is returned with its reactions, and the room is not shown it without them", async () => {
  const sent = await ann.say(chatId, "Again?", "again");
  await add(ben, "👍", sent.id);
  const socket = await ann.joined(chatId, 0);
  const retried = await ann.say(chatId, "Again?", "again");
  expect(retried).toMatchObject({ id: sent.id, seq: 2, updated_seq: 3, reactions: [{ count: 1 }] });
  await socket.settle();
  expect(socket.ofType("message").filter((frame) => frame.message_id === sent.id)).toHaveLength(1);
});

test("an edit keeps the reactions, and a reaction is no change of what an answer was made from", async () => {
  const socket = await ann.joined(chatId);
  world.gemini.respondWith(answer(say("An answer"), finish()));
  const question = await ann.say(chatId, "/bot what?");
  const { message_id: answerId } = await socket.next("bot_stream", { is_complete: true });
  const context = async () =>
    (await ann.api("GET", `/api/chats/${chatId}/messages/${Number(answerId)}/context`)).body;
  const before = await context();
  await add(ben, "👍", question.id);
  await add(ben, "👍", Number(answerId));
  expect(await context()).toEqual(before);
  expect(before.changed).toBe(false);

  const path = `/api/chats/${chatId}/messages/${question.id}`;
  const { body } = await ann.api("PATCH", path, { content: "/bot what else?" });
  expect(body).toMatchObject({ content: "/bot what else?", reactions: [{ count: 1 }] });
  expect(await socket.next("message_updated")).toMatchObject({ reactions: [{ count: 1 }] });
  expect((await context()).changed).toBe(true);
});

describe("refused is", () => {
  test.each([
    ["a letter", "a"],
    ["a digit without a keycap", "1"],
    ["two emoji", "👍👍"],
    ["an emoji with text", "👍!"],
    ["white space around one", " 👍"],
    ["half a flag", "🇩"],
    ["a text heart", "❤\uFE0E"],
    ["a made-up sequence", "👨‍🌾‍🌾"],
    ["10 kB of emoji", "👍".repeat(800)],
    ["a variation selector alone", "\uFE0F"],
    ["a slash", "/"],
    ["U+0000", "\u0000"],
  ])("%s, over HTTP and by a frame", async (_, emoji) => {
    expectInvalid(await add(ben, emoji), "/emoji");
    expectInvalid(await remove(ben, emoji), "/emoji");
    const socket = await ben.socket();
    expect(await socket.ask(reactFrame(emoji))).toMatchObject({ type: "error", code: "invalid" });
    expect((await history())[0].reactions).toEqual([]);
    await socket.close();
  });

  test.each([
    ["bytes that are no UTF-8", "%FF"],
    ["a lone surrogate in UTF-8", "%ED%A0%BD"],
    ["half of an emoji", "%F0%9F"],
    ["a percent sign alone", "%"],
    ["an emoji that is encoded twice", encodeURIComponent(encodeURIComponent("👍"))],
  ])("a path with %s", async (_, encoded) => {
    const path = `/api/chats/${chatId}/messages/${messageId}/reactions/${encoded}`;
    expectInvalid(await ben.api("PUT", path), "/emoji");
  });

  test.each([
    ["no emoji", { emoji: undefined }],
    ["an empty emoji", { emoji: "" }],
    ["a lone surrogate", { emoji: "\ud83d" }],
    ["no `on`", { on: undefined }],
    ["an `on` that is a text", { on: "true" }],
    ["no message", { message_id: undefined }],
  ])("a frame with %s", async (_, wrong) => {
    const socket = await ben.socket();
    const reply = await socket.ask({ ...reactFrame("👍"), ...wrong });
    expect(reply).toMatchObject({ type: "error", code: "invalid" });
    await socket.close();
  });

  test("a message of another chat, and one that does not exist", async () => {
    const elsewhere = await ann.chat();
    const { id } = await ann.say(elsewhere.id, "elsewhere");
    for (const message of [id, 999_999]) {
      const answer = await add(ann, "👍", message);
      expectProblem(answer, 404, "not_found");
      expect(answer.body.detail).toBe("There is no such message in this chat.");
    }
    const stranger = await world.person("stranger");
    const answer = await add(stranger, "👍");
    expectProblem(answer, 404, "not_found");
    expect(answer.body.detail).toBe("There is no such chat, or you are not in it.");
    expect(await lastSeq()).toBe(1);
  });

  test("a deleted message, whose reactions are gone while their numbers stay", async () => {
    await add(ben, "👍");
    const deleted = await ann.api("DELETE", `/api/chats/${chatId}/messages/${messageId}`);
    expect(deleted.body).toMatchObject({ updated_seq: 3, reactions: [] });
    expectProblem(await add(ann, "👍"), 409, "message_deleted");
    expectProblem(await remove(ben, "👍"), 409, "message_deleted");
    const socket = await ben.socket();
    expect(await socket.ask(reactFrame("👍"))).toMatchObject({ code: "message_deleted" });
    const rows = await world.sql`
      select seq::int, kind, user_id, emoji from chat_changes where message_id = ${messageId} order by seq
    `;
    const erased = { kind: "message_updated", user_id: null, emoji: null };
    expect([...rows]).toEqual([
      { seq: 2, ...erased },
      { seq: 3, ...erased },
    ]);
    expect(await world.sql`select from message_reactions where chat_id = ${chatId}`).toBeEmpty();
  });

  test("one more emoji than a message may have, but not one that it has, exactly when many come at once", async () => {
    const emoji = Array.from({ length: 30 }, (_, n) => String.fromCodePoint(0x1f600 + n));
    const answers = await Promise.all(emoji.map((each) => add(ann, each)));
    const refused = answers.filter(({ status }) => status !== 200);
    expect(refused).toHaveLength(30 - reactionsPerMessageMax);
    for (const answer of refused) expectProblem(answer, 409, "too_many_reactions");
    const { reactions } = (await history())[0];
    expect(reactions).toHaveLength(reactionsPerMessageMax);
    const kept: string[] = reactions.map((each: { emoji: string }) => each.emoji);
    const left = emoji.filter((each) => !kept.includes(each));
    for (const each of kept.slice(0, 2)) expect((await add(ben, each)).status).toBe(200);
    expectProblem(await add(ben, left[0] ?? ""), 409, "too_many_reactions");
    expect((await remove(ben, left[0] ?? "")).status).toBe(200);
    for (const person of [ann, ben]) await remove(person, kept[0] ?? "");
    expect((await add(ben, left[0] ?? "")).status).toBe(200);
  });
});

test("one emoji in several spellings is one reaction, in the fully qualified form", async () => {
  for (const [emoji, plain] of [
    ["❤️", "❤"],
    ["1️⃣", "1⃣"],
    ["🏳️‍🌈", "🏳‍🌈"],
    ["🕵🏽‍♂️", "🕵️🏽‍♂"],
    ["👍", "👍\uFE0F"],
  ] as const) {
    await add(ann, emoji);
    const { body } = await add(ben, plain);
    expect(body.reactions.at(-1)).toEqual({ emoji, count: 2, user_ids: [ann.id, ben.id] });
  }
  const families = ["👩🏽‍💻", "🏴󠁧󠁢󠁥󠁮󠁧󠁿", "🇩🇪", "#️⃣", "*️⃣", "👨‍👩‍👧‍👦", "🧑🏽‍❤️‍💋‍🧑🏿", "🏽", "©️"];
  const { id } = await ann.say(chatId, "All of them");
  for (const emoji of families) expect((await add(ben, emoji, id)).status).toBe(200);
  const shown = (await history()).at(-1).reactions.map((each: { emoji: string }) => each.emoji);
  expect(shown).toEqual(families);
});

longTest(
  "a message names the first people only, counts all, and fills the list up when one of them is gone",
  async () => {
    const more = reactionNamesMax + 20;
    const people = await Promise.all(Array.from({ length: more }, () => world.person("reader")));
    const crowd = await ann.chat({ with: people });
    chatId = crowd.id;
    messageId = (await ann.say(chatId, "Hello, all of you")).id;
    for (const person of people) await add(person, "👋");
    const shown = async () => (await history())[0].reactions[0];
    const ids = people.map(({ id }) => id);
    expect(await shown()).toEqual({
      emoji: "👋",
      count: more,
      user_ids: ids.slice(0, reactionNamesMax),
    });
    const gone = people.slice(3, 6);
    for (const person of gone) await remove(person, "👋");
    const left = ids.filter((id) => !gone.some((person) => person.id === id));
    expect(await shown()).toEqual({
      emoji: "👋",
      count: more - 3,
      user_ids: left.slice(0, reactionNamesMax),
    });
    await add(people[3] ?? ann, "👋");
    expect((await shown()).user_ids).toEqual(left.slice(0, reactionNamesMax));
  },
);
