// In an AI chat every message is a question. It is stored as one at once, in a single group commit.
import { expect, test } from "bun:test";
import { AiChats } from "../../src/answers/ai-chats.ts";
import { sendMessage } from "../../src/messages/send.ts";
import { answer, finish, say } from "../world/gemini/script.ts";
import { startWorld, useWorld, type Person } from "../world/world.ts";
import { answerEnds, room } from "./room.ts";

const world = useWorld();

const aiChat = { is_ai_chat: true, is_group: false };

/** Sends a message and counts how often it passes the group commit. */
async function commitsOf(from: Person, chatId: number, content: string, clientId?: string) {
  let commits = 0;
  const { grouped } = world.ctx;
  const counting: typeof grouped = {
    ...grouped,
    insertMessage(message) {
      commits += 1;
      return grouped.insertMessage(message);
    },
  };
  const ctx = { ...world.ctx, grouped: counting };
  await sendMessage(ctx, { ...from, expiresAtMs: Infinity }, chatId, {
    content,
    client_id: clientId,
  });
  return commits;
}

test("a message passes the group commit once, also the first one that a server sees", async () => {
  const { chat, anna, annas } = await room(world, aiChat);
  for (const content of ["good morning", "/bot and you?", "well"]) {
    world.gemini.respondWith(answer(say("Yes."), finish()));
    expect(await commitsOf(anna, chat.id, content)).toBe(1);
    expect((await answerEnds(annas)).text).toBe("Yes.");
  }
  const people = await room(world);
  expect(await commitsOf(people.anna, people.chat.id, "good morning")).toBe(1);
  expect(await commitsOf(people.anna, people.chat.id, "well")).toBe(1);
});

test("a message sent again is the first one, and asks nothing", async () => {
  const { chat, anna, annas, messages } = await room(world, aiChat);
  world.gemini.respondWith(answer(say("Yes."), finish()));
  expect(await commitsOf(anna, chat.id, "good morning", "a")).toBe(1);
  await answerEnds(annas);
  const requests = world.gemini.requests.length;
  expect(await commitsOf(anna, chat.id, "good morning", "a")).toBe(0);
  expect(await messages()).toHaveLength(3);
  expect(world.gemini.requests.length).toBe(requests);
  await expect(commitsOf(anna, chat.id, "good evening", "a")).rejects.toMatchObject({
    code: "client_id_reused",
  });
});

test("a chat that became an AI chat behind the server's back answers, too", async () => {
  const { chat, anna, annas } = await room(world);
  await anna.say(chat.id, "nobody answers");
  await world.sql`update chats set is_ai_chat = true where id = ${chat.id}`;
  for (const commits of [2, 1]) {
    world.gemini.respondWith(answer(say("Yes."), finish()));
    expect(await commitsOf(anna, chat.id, "somebody answers")).toBe(commits);
    expect((await answerEnds(annas)).text).toBe("Yes.");
  }
});

test("a stranger learns nothing of a chat, whatever is known of it", async () => {
  const bare = await startWorld({ model: false });
  const { chat } = await room(bare, aiChat);
  const stranger = await bare.person("stranger");
  const send = () =>
    stranger.api("POST", `/api/chats/${chat.id}/messages`, { content: "good morning" });
  expect((await send()).status).toBe(404);
  bare.ctx.answers.aiChats.remember(chat.id, true);
  expect((await send()).status).toBe(404);
  await bare.stop();
});

test("the memory of chats is bounded", () => {
  const chats = new AiChats();
  for (let id = 1; id <= 10_001; id += 1) chats.remember(id, id % 2 === 0);
  expect([1, 2, 3, 10_001].map((id) => chats.find(id))).toEqual([undefined, true, false, false]);
});
