// Whatever way an answer ends, or never begins, its person and its room are charged what it cost and hold nothing for it.
import { afterEach, describe, expect, test } from "bun:test";
import {
  answer,
  answerAndHang,
  blockPrompt,
  cut,
  event,
  finish,
  refuse,
  say,
  type Script,
} from "../../world/gemini/script.ts";
import { useWorld, type Person } from "../../world/world.ts";
import { account, expectSettled, finishAt } from "./settlement.ts";
import { answerEnds, room } from "../room.ts";

const world = useWorld();
afterEach(() => expectSettled(world));

function ask(from: Person, chatId: number, content = "/bot well?") {
  return from.api("POST", `/api/chats/${chatId}/messages`, { content });
}

describe("an answer is settled", () => {
  interface Case {
    how: string;
    script: Script | Script[];
    /** Undefined: what is estimated, as the model counted nothing. */
    tokens: number | undefined;
  }
  const counted = event({
    usageMetadata: { promptTokenCount: 100, candidatesTokenCount: 5, totalTokenCount: 105 },
  });
  const cases: Case[] = [
    { how: "complete", script: answer(say("Yes."), finishAt(100, 20)), tokens: 120 },
    { how: "truncated", script: answer(say("Ye"), finishAt(100, 9, "MAX_TOKENS")), tokens: 109 },
    { how: "blocked", script: answer(say("Ye"), finishAt(100, 8, "SAFETY")), tokens: 108 },
    {
      how: "blocked for its prompt",
      script: answer(blockPrompt("SAFETY", { promptTokenCount: 90, totalTokenCount: 90 })),
      tokens: 90,
    },
    { how: "failed, refused by the model", script: refuse(400), tokens: 0 },
    {
      how: "failed, refused again and again",
      script: [refuse(503), refuse(429), refuse(503)],
      tokens: 0,
    },
    { how: "failed before its first byte", script: [1, 2, 3].map(() => answer(cut())), tokens: 0 },
    { how: "failed with a count", script: answer(say("Ye"), counted), tokens: 105 },
    { how: "failed without a count", script: answer(say("Ye")), tokens: undefined },
    { how: "complete without a count", script: answer(say("Yes."), finish()), tokens: undefined },
  ];
  test.each(cases)("when it ends $how, for the person and the room", async (ending) => {
    const { chat, anna, annas } = await room(world);
    world.gemini.respondWith(...[ending.script].flat());
    await ask(anna, chat.id);
    await answerEnds(annas);
    const person = await account(world, "user", anna.id);
    const { token_ratio: _, ...its } = {
      token_ratio: 0,
      ...(await account(world, "chat", chat.id)),
    };
    expect(its).toEqual(person);
    if (ending.tokens === undefined) {
      expect(person.used_tokens).toBeGreaterThan(100);
      expect(person.used_tokens).toBeLessThan(1_000);
    } else {
      expect(person.used_tokens).toBe(ending.tokens);
    }
  });

  test("when it is stopped, with what was counted by then", async () => {
    const { chat, anna, ben, annas } = await room(world);
    world.gemini.respondWith(answerAndHang(say("Ye"), counted));
    await ask(anna, chat.id);
    const { message_id: id } = await annas.next("bot_stream", { chunk: "Ye" });
    const { reserved_tokens: held } = await account(world, "user", anna.id);
    expect(held).toBeGreaterThan(16_384);
    expect(await account(world, "chat", chat.id)).toEqual({
      running: 1,
      reserved_tokens: held,
      used_tokens: 0,
    });
    await ben.api("POST", `/api/chats/${chat.id}/messages/${String(id)}/stop`);
    expect(await account(world, "user", anna.id)).toEqual({
      running: 0,
      reserved_tokens: 0,
      used_tokens: 105,
    });
    const [bens] = await world.sql`select from budgets where kind = 'user' and id = ${ben.id}`;
    expect(bens).toBeUndefined();
  });

  test("when its chat is deleted under it, for its asker", async () => {
    const { chat, anna, ben, bens } = await room(world);
    world.gemini.respondWith(answerAndHang(say("Ye"), counted));
    await ask(ben, chat.id);
    await bens.next("bot_stream", { chunk: "Ye" });
    const { done } = world.ctx.answers.inChat(chat.id, Infinity)[0] ?? {};
    expect((await anna.api("DELETE", `/api/chats/${chat.id}`)).status).toBe(200);
    await done;
    expect(await account(world, "user", ben.id)).toEqual({
      running: 0,
      reserved_tokens: 0,
      used_tokens: 105,
    });
  });

  test("when its message is removed under it", async () => {
    const { chat, anna, annas } = await room(world);
    world.gemini.respondWith(answerAndHang(say("Ye")));
    await ask(anna, chat.id);
    const { message_id: id } = await annas.next("bot_stream", { chunk: "Ye" });
    const { done } = world.ctx.answers.find(Number(id)) ?? {};
    await world.sql`delete from messages where id = ${Number(id)}`;
    await done;
    expect((await account(world, "user", anna.id)).used_tokens).toBeGreaterThan(100);
  });
});

describe("what was never stored costs nothing", () => {
  test("for a stranger, an unknown chat, an empty question, words that were used before", async () => {
    const { chat, anna } = await room(world);
    const stranger = await world.person("stranger");
    const requests = world.gemini.requests.length;
    await anna.say(chat.id, "plain", "taken");
    expect((await ask(stranger, chat.id)).status).toBe(404);
    expect((await ask(stranger, 987_654)).status).toBe(404);
    expect((await ask(anna, chat.id, "/bot")).status).toBe(422);
    const reused = await anna.api("POST", `/api/chats/${chat.id}/messages`, {
      content: "/bot other",
      client_id: "taken",
    });
    expect(reused.status).toBe(409);
    expect(world.gemini.requests.length).toBe(requests);
    const ids = [stranger.id, anna.id];
    const accounts = await world.sql`
      select id from budgets where kind = 'user' and id = any (${ids}::bigint[])
    `;
    expect([...accounts]).toEqual([]);
  });

  test("for a retry of a question whose first try is answered already", async () => {
    const { chat, anna, annas } = await room(world);
    world.gemini.respondWith(answer(say("Yes."), finishAt(100, 20)));
    const first = await anna.say(chat.id, "/bot once", "one");
    await answerEnds(annas);
    expect(await anna.say(chat.id, "/bot once", "one")).toEqual(first);
    expect((await account(world, "user", anna.id)).used_tokens).toBe(120);
  });
});

describe("a question that could not be stored", () => {
  test("since the database refused it is charged for the model that was asked meanwhile, and holds nothing", async () => {
    const { chat, anna, annas } = await room(world);
    await world.sql`create function refuse() returns trigger language plpgsql as $$
      begin raise exception 'refused'; end $$`;
    await world.sql`create trigger refuse before insert on messages execute function refuse()`;
    expect((await ask(anna, chat.id)).status).toBe(500);
    await world.sql`drop trigger refuse on messages`;
    const { used_tokens: used, ...held } = await account(world, "user", anna.id);
    expect(used).toBeGreaterThan(0);
    expect(used).toBeLessThan(500);
    expect(held).toMatchObject({ running: 0, reserved_tokens: 0 });
    expect(world.ctx.answers.runIds()).toEqual([]);
    world.gemini.respondWith(answer(say("Yes."), finish()));
    expect((await ask(anna, chat.id)).status).toBe(200);
    await answerEnds(annas);
  });
});
