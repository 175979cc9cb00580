import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { answer, answerAndHang, finish, say } from "../world/gemini/script.ts";
import { startWorld, useWorld } from "../world/world.ts";
import { gateway } from "./asking.ts";
import { answerEnds, lastRequest, room } from "./room.ts";

// Worlds of their own take a second each, on a busy machine several.
setDefaultTimeout(20_000);

const world = useWorld();

const short = answer(say("Yes."), finish());

describe("what asks the model", () => {
  test.each(["/bot x", "/BOT x", "/Bot\nx", "  /bot\tx  ", "/bot\u200f x"])(
    "%j does",
    async (content) => {
      const { chat, anna, annas } = await room(world);
      world.gemini.respondWith(short);
      const question = await anna.say(chat.id, content);
      expect(question.content).toBe(content);
      expect((await answerEnds(annas)).first.answer_to).toBe(question.id);
      expect(lastRequest(world).body.contents[0]?.parts[0]?.text).toEndWith("] x");
    },
  );

  test.each([
    "/bottle",
    "/bot2 x",
    "/bot_x",
    "please /bot x",
    "bot x",
    "/bot\u200bx",
    "//bot x",
    "/ bot x",
  ])("%j does not", async (content) => {
    const { chat, anna, annas, messages } = await room(world);
    const requests = world.gemini.requests.length;
    await anna.say(chat.id, content);
    await annas.next("message", { content });
    await annas.settle();
    expect(annas.ofType("bot_stream")).toEqual([]);
    expect(await messages()).toHaveLength(1);
    expect(world.gemini.requests.length).toBe(requests);
  });

  test("every message does in an AI chat, the other person's too", async () => {
    const { chat, anna, ben, annas, bens } = await room(world, {
      is_ai_chat: true,
      is_group: false,
    });
    for (const [index, say_] of [
      () => anna.say(chat.id, "good morning", "a"),
      () => ben.say(chat.id, "/bottle of milk"),
      () => bens.ask({ type: "message", chat_id: chat.id, content: "/bot really?" }),
    ].entries()) {
      world.gemini.respondWith(answer(say(`answer ${index}`), finish()));
      await say_();
      expect((await answerEnds(annas)).text).toBe(`answer ${index}`);
    }
    const requests = world.gemini.requests.length;
    const again = await anna.say(chat.id, "good morning", "a");
    expect(again).toMatchObject({ seq: 2 });
    await annas.settle();
    expect(world.gemini.requests.length).toBe(requests);
    expect((await anna.api("GET", `/api/chats/${chat.id}`)).body.last_seq).toBe(10);
  });
});

describe("a question that is refused", () => {
  test("for having no words is told so over both ways, and stores nothing", async () => {
    const { chat, anna, annas, messages } = await room(world);
    for (const content of [
      "/bot",
      "  /BOT \n ",
      "/bot \u200b",
      "/bot\u200f",
      "/bot\u200b \u2060\ufe0f",
    ]) {
      const { status, headers, body } = await anna.api("POST", `/api/chats/${chat.id}/messages`, {
        content,
      });
      expect(status).toBe(422);
      expect(headers.get("content-type")).toBe("application/problem+json");
      expect(body).toMatchObject({
        type: "/problems/invalid",
        detail: "Write your question after /bot.",
        errors: [{ pointer: "/content" }],
      });
      const frame = await annas.ask({ type: "message", chat_id: chat.id, content });
      expect(frame).toMatchObject({ type: "error", code: "invalid", chat_id: chat.id });
      expect(frame.detail).toBe(body.detail);
    }
    expect(await messages()).toEqual([]);
  });

  test("in an AI chat for showing nothing is told so without a word of /bot", async () => {
    const { chat, anna, messages } = await room(world, { is_ai_chat: true, is_group: false });
    const content = "\u200b";
    const before = await messages();
    const sent = await anna.api("POST", `/api/chats/${chat.id}/messages`, { content });
    expect(sent).toMatchObject({ status: 422, body: { detail: "Write your question." } });
    expect(await messages()).toEqual(before);
  });

  test("for its sender being a stranger asks nobody, and takes nobody's place", async () => {
    const { chat, annas, messages } = await room(world);
    const stranger = await world.person("stranger");
    const requests = world.gemini.requests.length;
    const { status } = await stranger.api("POST", `/api/chats/${chat.id}/messages`, {
      content: "/bot let me in",
    });
    expect(status).toBe(404);
    const socket = await stranger.socket();
    const frame = await socket.ask({ type: "message", chat_id: chat.id, content: "/bot please" });
    expect(frame).toMatchObject({ type: "error", code: "not_found" });
    await annas.settle();
    expect(annas.ofType("message")).toEqual([]);
    expect(await messages()).toEqual([]);
    expect(world.gemini.requests.length).toBe(requests);
  });

  test("for want of a model is told so, and plain messages go through", async () => {
    const bare = await startWorld({ model: false });
    const { chat, anna, annas, messages } = await room(bare);
    const refused = await anna.api("POST", `/api/chats/${chat.id}/messages`, {
      content: "/bot anyone?",
    });
    expect(refused.status).toBe(503);
    expect(refused.body.type).toBe("/problems/bot_not_configured");
    expect(refused.body.detail).toContain("GEMINI_API_KEY");
    const frame = await annas.ask({ type: "message", chat_id: chat.id, content: "/bot anyone?" });
    expect(frame).toMatchObject({ type: "error", code: "bot_not_configured" });
    expect(frame.detail).toBe(refused.body.detail);
    expect(await messages()).toEqual([]);

    const ai = await anna.chat({ is_ai_chat: true, is_group: false });
    const inAiChat = await annas.ask({ type: "message", chat_id: ai.id, content: "hello" });
    expect(inAiChat).toMatchObject({ type: "error", code: "bot_not_configured", chat_id: ai.id });
    expect((await anna.api("GET", `/api/chats/${ai.id}`)).body.last_seq).toBe(1);
    expect(await anna.say(chat.id, "alone then")).toMatchObject({ seq: 1 });
    await bare.stop();
  });
});

describe("the most answers at once", () => {
  test("refuse one more with a time to wait, and every end makes room again", async () => {
    const two = await startWorld({ env: { BUDGET_ANSWERS_TOTAL: "2" } });
    const { chat, anna, annas, messages } = await room(two);
    const elsewhere = await room(two);
    const ask = (content: string) => annas.ask({ type: "message", chat_id: chat.id, content });
    const gate = gateway();
    two.gemini.respondWith(answer(say("one"), gate.step, finish()), answerAndHang(say("two")));
    await ask("/bot first");
    await gate.reached;
    await elsewhere.anna.say(elsewhere.chat.id, "/bot second");
    const { message_id: hanging } = await elsewhere.annas.next("bot_stream", { chunk: "two" });

    for (const content of ["/bot third", "/bot"]) {
      const refused = await anna.api("POST", `/api/chats/${chat.id}/messages`, { content });
      if (content === "/bot") expect(refused.status).toBe(422);
      else {
        expect(refused.status).toBe(429);
        expect(refused.headers.get("retry-after")).toMatch(/^[1-9]\d*$/);
        expect(refused.body.type).toBe("/problems/quota_exceeded");
      }
    }
    const frame = await ask("/bot third");
    expect(frame).toMatchObject({ type: "error", code: "quota_exceeded", chat_id: chat.id });
    expect(frame.retry_after).toBeGreaterThan(0);
    expect(await ask("plain")).toMatchObject({ type: "ack", seq: 3 });
    // A part of the running answer's text may have been stored already.
    expect(await messages()).toMatchObject([
      { content: "/bot first" },
      { is_bot: true, status: "streaming" },
      { content: "plain" },
    ]);
    expect((await messages()).length).toBe(3);
    expect(two.gemini.requests).toHaveLength(2);

    // Refused questions have not kept a place: two can run again as soon as two have ended.
    const done = [...two.ctx.answers.inChat(chat.id, Infinity)].map((reply) => reply.done);
    gate.open();
    expect((await answerEnds(annas)).text).toBe("one");
    await Promise.all(done);
    const stranger = await two.person("stranger");
    await stranger.api("POST", `/api/chats/${chat.id}/messages`, { content: "/bot hi" });
    two.gemini.respondWith(answerAndHang(say("three")));
    expect(await ask("/bot third")).toMatchObject({ type: "ack" });
    const { message_id: third } = await annas.next("bot_stream", { chunk: "three" });
    expect(await ask("/bot fourth")).toMatchObject({ code: "quota_exceeded" });

    const stop = (chatId: number, id: unknown) =>
      anna.api("POST", `/api/chats/${chatId}/messages/${String(id)}/stop`);
    expect((await stop(chat.id, third)).status).toBe(200);
    const path = `/api/chats/${elsewhere.chat.id}`;
    const deleted = two.ctx.answers.find(Number(hanging))?.done;
    expect((await elsewhere.anna.api("DELETE", path)).status).toBe(200);
    await deleted;
    two.gemini.respondWith(answerAndHang(say("a")), answerAndHang(say("b")));
    expect(await ask("/bot fourth")).toMatchObject({ type: "ack" });
    expect(await ask("/bot fifth")).toMatchObject({ type: "ack" });
    expect(await ask("/bot sixth")).toMatchObject({ code: "quota_exceeded" });
    await two.stop();
  });

  test("are as many as there are when 0 is set", async () => {
    const any = await startWorld({ env: { BUDGET_ANSWERS_TOTAL: "0" } });
    const { chat, annas } = await room(any);
    any.gemini.respondWith(...Array.from({ length: 5 }, () => answerAndHang(say("so"))));
    for (let question = 1; question <= 5; question += 1) {
      const reply = await annas.ask({ type: "message", chat_id: chat.id, content: "/bot more" });
      expect(reply.type).toBe("ack");
    }
    await any.gemini.received(5);
    await any.stop();
  });
});
