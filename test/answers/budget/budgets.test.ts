// The highest cost of an answer is reserved before anything of the answer is stored; otherwise the question is refused.
import { afterEach, describe, expect, setDefaultTimeout, test } from "bun:test";
import { answer, answerAndHang, finish, say } from "../../world/gemini/script.ts";
import { startWorld, useWorld, type Person } from "../../world/world.ts";
import { gateway } from "../asking.ts";
import { account, expectSettled, finishAt, untilQuiet } from "./settlement.ts";
import { answerEnds, lastRequest, room } from "../room.ts";

// Worlds of their own take a second each, on a busy machine several.
setDefaultTimeout(20_000);

const userTokens = 20_000;
const chatTokens = 30_000;
const env = {
  BUDGET_TOKENS_PER_USER_DAY: String(userTokens),
  BUDGET_TOKENS_PER_CHAT_DAY: String(chatTokens),
  BUDGET_ANSWERS_PER_USER: "2",
  BUDGET_ANSWERS_PER_CHAT: "3",
};
/** One minute before midnight UTC. */
const now = new Date("2026-11-24T23:59:00Z");
const secondsToMidnight = 60;

const world = useWorld({ env, now: () => now });
afterEach(() => expectSettled(world));

function ask(from: Person, chatId: number, content = "/bot well?") {
  return from.api("POST", `/api/chats/${chatId}/messages`, { content });
}

function outputTokensMax(): number {
  const { generationConfig } = lastRequest(world).body;
  return JSON.parse(JSON.stringify(generationConfig)).maxOutputTokens;
}

/** As if they had used so many tokens today. */
async function used(kind: "user" | "chat", id: number, tokens: number) {
  await world.sql`
    insert into budgets (kind, id, day, used_tokens)
    values (${kind}, ${id}, (now() at time zone 'utc')::date, ${tokens})
  `;
  await world.sql`
    insert into usage_days (kind, id, day, total_tokens)
    values (${kind}, ${id}, (now() at time zone 'utc')::date, ${tokens})
  `;
}

describe("a question over a limit", () => {
  test("is refused to its asker alone, over both ways, and nothing of it is stored", async () => {
    const { chat, anna, annas, bens, messages } = await room(world);
    await used("user", anna.id, userTokens - 100);
    const requests = world.gemini.requests.length;
    const refused = await ask(anna, chat.id);
    expect(refused.status).toBe(429);
    expect(refused.headers.get("retry-after")).toBe(String(secondsToMidnight));
    expect(refused.headers.get("content-type")).toBe("application/problem+json");
    expect(refused.body).toMatchObject({ type: "/problems/quota_exceeded", status: 429 });
    expect(refused.body.detail).toMatch(/^Your tokens for today are used up/);
    const frame = await annas.ask({ type: "message", chat_id: chat.id, content: "/bot well?" });
    expect(frame).toMatchObject({
      type: "error",
      code: "quota_exceeded",
      chat_id: chat.id,
      detail: refused.body.detail,
      retry_after: secondsToMidnight,
    });
    await bens.settle();
    expect(bens.frames.filter(({ type }) => type === "message" || type === "bot_stream")).toEqual(
      [],
    );
    expect(await messages()).toEqual([]);
    expect(world.gemini.requests.length).toBe(requests);
    expect((await anna.api("GET", `/api/chats/${chat.id}`)).body.last_seq).toBe(0);
    expect(await anna.say(chat.id, "plain words cost nothing")).toMatchObject({ seq: 1 });
  });

  test("of the room is the room's, and in another one the same person may ask", async () => {
    const { chat, anna, ben } = await room(world);
    await used("chat", chat.id, chatTokens - 100);
    for (const person of [anna, ben]) {
      const refused = await ask(person, chat.id);
      expect(refused.status).toBe(429);
      expect(refused.headers.get("retry-after")).toBe(String(secondsToMidnight));
      expect(refused.body.detail).toMatch(/^This chat's tokens for today are used up/);
    }
    const other = await anna.chat();
    const socket = await anna.joined(other.id);
    world.gemini.respondWith(answer(say("Yes."), finish()));
    expect((await ask(anna, other.id)).status).toBe(200);
    await answerEnds(socket);
  });

  test("gets what is left where that is less than it wants, and is told to wait for what is held", async () => {
    const { chat, anna, annas } = await room(world);
    const gates = [gateway(), gateway()];
    world.gemini.respondWith(
      ...gates.map((gate) => answer(say("Yes."), gate.step, finishAt(300, 50))),
    );
    await ask(anna, chat.id);
    await gates[0]?.reached;
    expect(outputTokensMax()).toBe(16_384);
    const { reserved_tokens: held } = await account(world, "user", anna.id);
    await ask(anna, chat.id);
    await gates[1]?.reached;
    expect(await account(world, "user", anna.id)).toEqual({
      running: 2,
      reserved_tokens: userTokens,
      used_tokens: 0,
    });
    const smaller = outputTokensMax();
    expect(smaller).toBeLessThan(userTokens - held);
    expect(smaller).toBeGreaterThan(userTokens - held - 1_000);

    // Both places of the person are taken, and all of its tokens held.
    const busy = await ask(anna, chat.id);
    expect(busy.headers.get("retry-after")).toBe("5");
    expect(busy.body.detail).toContain("are being answered");
    gates[0]?.open();
    await answerEnds(annas);
    gates[1]?.open();
    await answerEnds(annas);
    expect((await account(world, "user", anna.id)).used_tokens).toBe(700);
  });

  test("is told to wait a moment where running answers hold the tokens", async () => {
    const { chat, anna, annas } = await room(world);
    // The tokens that are left are enough for one answer and not for a second.
    await used("user", anna.id, userTokens - 2_600);
    const gate = gateway();
    world.gemini.respondWith(answer(say("Yes."), gate.step, finishAt(300, 50)));
    expect((await ask(anna, chat.id)).status).toBe(200);
    await gate.reached;
    const refused = await ask(anna, chat.id);
    expect(refused.status).toBe(429);
    expect(refused.headers.get("retry-after")).toBe("5");
    expect(refused.body.detail).toContain("held by answers that are running");
    // Waiting for that would not help where the room's are used up.
    const empty = await anna.chat();
    await used("chat", empty.id, chatTokens);
    const forToday = await ask(anna, empty.id);
    expect(forToday.headers.get("retry-after")).toBe(String(secondsToMidnight));
    expect(forToday.body.detail).toMatch(/^This chat's tokens for today are used up/);
    gate.open();
    await answerEnds(annas);
    expect((await ask(anna, chat.id)).status).toBe(200);
    await answerEnds(annas);
  });

  test("of tokens for its history is answered with the newest part of it", async () => {
    const { chat, anna, ben, annas } = await room(world);
    for (let n = 1; n <= 8; n += 1) await ben.say(chat.id, `number ${n} ${"数".repeat(300)}`);
    await used("user", anna.id, userTokens - 6_000);
    world.gemini.respondWith(answer(say("Yes."), finishAt(4_000, 100)));
    expect((await ask(anna, chat.id)).status).toBe(200);
    expect((await answerEnds(annas)).last.status).toBe("complete");
    const sent = JSON.stringify(lastRequest(world).body.contents).match(/number \d/g);
    expect(sent?.length).toBeWithin(2, 6);
    expect(sent?.at(-1)).toBe("number 8");
    expect(outputTokensMax()).toBeGreaterThanOrEqual(512);
    await world.sql`update budgets set used_tokens = 0 where kind = 'user'`;
    await world.sql`update usage_days set total_tokens = 0 where kind = 'user'`;
    world.gemini.respondWith(answer(say("Yes."), finishAt(4_000, 100)));
    expect((await ask(anna, chat.id)).status).toBe(200);
    await answerEnds(annas);
    expect(JSON.stringify(lastRequest(world).body.contents)).toContain("number 1");
  });

  test("of answers at once in a room refuses whoever asks", async () => {
    const { chat, anna, ben, annas } = await room(world);
    const carl = await world.person("carl");
    await anna.api("POST", `/api/chats/${chat.id}/invite`, { username: carl.username });
    // People have few tokens left, so that their questions do not reserve all tokens of the room.
    for (const person of [anna, ben, carl]) await used("user", person.id, userTokens - 5_000);
    world.gemini.respondWith(...[1, 2, 3].map(() => answerAndHang(say("on"))));
    for (const person of [anna, ben, carl]) {
      expect((await ask(person, chat.id)).status).toBe(200);
    }
    const refused = await ask(ben, chat.id);
    expect(refused.status).toBe(429);
    expect(refused.body.detail).toContain("in this chat");
    expect(refused.headers.get("retry-after")).toBe("5");
    const replies = world.ctx.answers.inChat(chat.id, Infinity);
    await anna.api("POST", `/api/chats/${chat.id}/messages/${replies[0]?.messageId}/stop`);
    world.gemini.respondWith(answer(say("Yes."), finish()));
    expect((await ask(anna, chat.id)).status).toBe(200);
    // The stopped one's, and this one's.
    await answerEnds(annas);
    await answerEnds(annas);
    await anna.api("DELETE", `/api/chats/${chat.id}`);
    await Promise.all(replies.map((reply) => reply.done));
  });
});

describe("a new day", () => {
  test("gives new tokens, and keeps what running answers hold", async () => {
    const { chat, anna, annas } = await room(world);
    await used("user", anna.id, userTokens - 3_000);
    const gate = gateway();
    world.gemini.respondWith(answer(say("Yes."), gate.step, finishAt(300, 50)));
    await ask(anna, chat.id);
    await gate.reached;
    const { reserved_tokens: held } = await account(world, "user", anna.id);
    expect(held).toBe(3_000);
    await world.sql`update budgets set day = day - 1`;
    await world.sql`update usage_days set day = day - 1`;

    world.gemini.respondWith(answer(say("More."), finishAt(300, 60)));
    expect((await ask(anna, chat.id)).status).toBe(200);
    await annas.next("bot_stream", { is_complete: true });
    expect(outputTokensMax()).toBeLessThan(userTokens - held);
    expect(await account(world, "user", anna.id)).toEqual({
      running: 1,
      reserved_tokens: held,
      used_tokens: 360,
    });
    gate.open();
    await annas.next("bot_stream", { is_complete: true });
    // The day on which it ended pays.
    expect((await account(world, "user", anna.id)).used_tokens).toBe(710);
    await untilQuiet(world, chat);
  });
});

test("0 is no limit", async () => {
  const none = Object.fromEntries(Object.keys(env).map((name) => [name, "0"]));
  const free = await startWorld({ env: none });
  const { chat, anna, annas } = await room(free);
  await free.sql`
    insert into budgets (kind, id, day, used_tokens, running)
    values ('user', ${anna.id}, (now() at time zone 'utc')::date, 1e12, 1000)
  `;
  free.gemini.respondWith(...[1, 2, 3, 4].map(() => answerAndHang(say("on"))));
  for (let asked = 0; asked < 4; asked += 1) {
    expect((await ask(anna, chat.id)).status).toBe(200);
  }
  await free.gemini.received(4);
  await annas.settle();
  await free.stop();
});
