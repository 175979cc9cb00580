// One more answer to the same question.
import { afterEach, expect, test } from "bun:test";
import { answer, answerAndHang, finish, refuse, say } from "../world/gemini/script.ts";
import { useWorld, type Person } from "../world/world.ts";
import { account, expectSettled, finishAt } from "./budget/settlement.ts";
import { answerEnds, lastRequest, room } from "./room.ts";

const world = useWorld({ env: { BUDGET_ANSWERS_PER_USER: "20" } });
afterEach(() => expectSettled(world));

function again(from: Person, chatId: number, messageId: unknown) {
  return from.api("POST", `/api/chats/${chatId}/messages/${String(messageId)}/regenerate`);
}

/** A room with an answered question, and more said after it. */
async function answered() {
  const here = await room(world);
  const { chat, anna, annas } = here;
  await anna.say(chat.id, "said before");
  world.gemini.respondWith(answer(say("First."), finish()));
  const question = await anna.say(chat.id, "/bot well?");
  const { messageId } = await answerEnds(annas);
  await anna.say(chat.id, "said after");
  return { ...here, question, first: messageId };
}

test("the question's id and an answer's bring one more answer, which everyone sees; the first stays", async () => {
  const { chat, ben, bens, messages, question, first } = await answered();
  const before = await messages();
  const made: number[] = [];
  for (const [index, id] of [question.id, first].entries()) {
    world.gemini.respondWith(answer(say(`Again ${index}.`), finish()));
    const { status, body } = await again(ben, chat.id, id);
    expect(status).toBe(200);
    expect(body).toMatchObject({
      chat_id: chat.id,
      is_bot: true,
      status: "streaming",
      content: "",
      answer_to: question.id,
      username: "Gemini",
      user_id: null,
    });
    await bens.next("bot_stream", { message_id: body.id, is_complete: true });
    made.push(body.id);
    const sent = JSON.stringify(lastRequest(world).body.contents);
    expect(sent).toContain("said before");
    expect(sent).not.toMatch(/said after|First\.|Again/);
    expect(sent).toEndWith(' well?"}]}]');
  }
  const after = await messages();
  expect(after.slice(0, before.length)).toEqual(before);
  expect(after.slice(before.length)).toMatchObject([
    { id: made[0], content: "Again 0.", status: "complete", answer_to: question.id },
    { id: made[1], content: "Again 1.", status: "complete", answer_to: question.id },
  ]);
  await bens.settle();
  // 1 said, 2 asked, 3 answer, 4 its end, 5 said, then each new answer and its end.
  const numbers = bens.frames.flatMap((frame) => frame.updated_seq ?? frame.seq ?? []);
  expect(numbers).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9]);
});

test("who asks again pays", async () => {
  const { chat, anna, ben, bens, question } = await answered();
  const annas = await account(world, "user", anna.id);
  world.gemini.respondWith(answer(say("Again."), finishAt(100, 5)));
  const { body } = await again(ben, chat.id, question.id);
  await bens.next("bot_stream", { message_id: body.id, is_complete: true });
  expect(await account(world, "user", ben.id)).toMatchObject({ used_tokens: 105, running: 0 });
  expect(await account(world, "user", anna.id)).toEqual(annas);
});

test("while one runs there is no second, by whichever id; when it has ended there is", async () => {
  const { chat, anna, ben, annas, bens } = await room(world);
  world.gemini.respondWith(answerAndHang(say("Running")));
  const question = await anna.say(chat.id, "/bot well?");
  const { message_id: running } = await annas.next("bot_stream", { chunk: "Running" });
  for (const id of [question.id, running]) {
    const refused = await again(ben, chat.id, id);
    expect(refused.status).toBe(409);
    expect(refused.body.type).toBe("/problems/answer_running");
  }
  await anna.api("POST", `/api/chats/${chat.id}/messages/${String(running)}/stop`);
  world.gemini.respondWith(refuse(400), answer(say("Well."), finish()));
  for (const status of ["failed", "complete"]) {
    const { body } = await again(ben, chat.id, running);
    expect(await bens.next("bot_stream", { message_id: body.id, is_complete: true })).toMatchObject(
      { status },
    );
  }
});

test("ten at once are exactly one answer", async () => {
  const { chat, anna, ben, annas, question, messages } = await answered();
  const requests = world.gemini.requests.length;
  world.gemini.respondWith(answerAndHang(say("Only one")));
  const replies = await Promise.all(
    Array.from({ length: 10 }, (_, index) => again(index % 2 ? anna : ben, chat.id, question.id)),
  );
  expect(replies.map(({ status }) => status).toSorted()).toEqual([200, ...Array(9).fill(409)]);
  const { message_id: id } = await annas.next("bot_stream", { chunk: "Only one" });
  expect(world.gemini.requests.length).toBe(requests + 1);
  await anna.api("POST", `/api/chats/${chat.id}/messages/${String(id)}/stop`);
  expect(await messages()).toHaveLength(5);
});

test("what asked nothing has no answer, and nothing is stored for it", async () => {
  const { chat, anna, messages, question } = await answered();
  const ai = await anna.chat({ is_ai_chat: true, is_group: false });
  const [greeting] = (await anna.api("GET", `/api/chats/${ai.id}/messages`)).body;
  expect(greeting).toMatchObject({ is_bot: true, answer_to: null });
  const stranger = await world.person("stranger");
  const before = await messages();
  const requests = world.gemini.requests.length;
  const plain = before.find((message: { content: string }) => message.content === "said before");
  const other = await anna.chat();
  for (const [from, chatId, id, status, type] of [
    [anna, chat.id, plain.id, 422, "invalid"],
    [anna, ai.id, greeting.id, 422, "invalid"],
    [anna, chat.id, "first", 422, "invalid"],
    [anna, chat.id, 987_654, 404, "not_found"],
    [anna, other.id, question.id, 404, "not_found"],
    [stranger, chat.id, question.id, 404, "not_found"],
    [stranger, chat.id, plain.id, 404, "not_found"],
  ] as const) {
    const refused = await again(from, chatId, id);
    expect(refused.status).toBe(status);
    expect(refused.body.type).toBe(`/problems/${type}`);
  }
  expect(await messages()).toEqual(before);
  expect(world.gemini.requests.length).toBe(requests);
});

test("every message of an AI chat can be answered again", async () => {
  const anna = await world.person("anna");
  const ai = await anna.chat({ is_ai_chat: true, is_group: false });
  const socket = await anna.joined(ai.id);
  world.gemini.respondWith(answer(say("Hi."), finish()), answer(say("Hello."), finish()));
  const question = await anna.say(ai.id, "good morning");
  await answerEnds(socket);
  const { status, body } = await again(anna, ai.id, question.id);
  expect(status).toBe(200);
  expect(await socket.next("bot_stream", { message_id: body.id, is_complete: true })).toMatchObject(
    { full_response: "Hello." },
  );
});

test("over a budget it is refused, and the room sees nothing of it", async () => {
  const { chat, ben, annas, messages, question } = await answered();
  const { userDayTokens } = world.config.budgets;
  await world.sql`
    insert into budgets (kind, id, day, used_tokens)
    values ('user', ${ben.id}, (now() at time zone 'utc')::date, ${userDayTokens})
  `;
  await world.sql`
    insert into usage_days (kind, id, day, total_tokens)
    values ('user', ${ben.id}, (now() at time zone 'utc')::date, ${userDayTokens})
  `;
  const before = await messages();
  await annas.settle();
  const frames = annas.frames.length;
  const refused = await again(ben, chat.id, question.id);
  expect(refused.status).toBe(429);
  expect(refused.headers.get("retry-after")).toMatch(/^[1-9]\d*$/);
  expect(refused.body.type).toBe("/problems/quota_exceeded");
  await annas.settle();
  expect(annas.frames.slice(frames).filter(({ type }) => type !== "pong")).toEqual([]);
  expect(await messages()).toEqual(before);
});
