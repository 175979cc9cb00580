// @Gemini asks the model as /bot does.
import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { answer, finish, say } from "../world/gemini/script.ts";
import { startWorld, useWorld } from "../world/world.ts";
import { answerEnds, lastRequest, room } from "./room.ts";

setDefaultTimeout(20_000);

const world = useWorld();

const short = answer(say("Yes."), finish());

describe("a mention of the model", () => {
  test.each([
    "@Gemini x",
    "why x, @GEMINI?",
    "hello @gemini.\nx",
    "@Gemini에게 x",
    "> quote\n\n*@Gemini* x",
  ])("asks: %j, and the question is the text", async (content) => {
    const { chat, anna, annas } = await room(world);
    world.gemini.respondWith(short);
    const question = await anna.say(chat.id, content);
    expect(question).toMatchObject({ content, mentions: [] });
    expect((await answerEnds(annas)).first.answer_to).toBe(question.id);
    expect(lastRequest(world).body.contents[0]?.parts[0]?.text).toEndWith(`] ${content}`);
  });

  test.each(["`@Gemini` x", "```\n@Gemini x\n```", "x@gemini.com", "@Gemini-fan x", "@ Gemini x"])(
    "does not: %j",
    async (content) => {
      const { chat, anna, annas } = await room(world);
      const requests = world.gemini.requests.length;
      await anna.say(chat.id, content);
      await annas.next("message", { content });
      await annas.settle();
      expect(annas.ofType("bot_stream")).toEqual([]);
      expect(world.gemini.requests.length).toBe(requests);
    },
  );

  test("may stand beside people's names, who are told of the question", async () => {
    const { chat, anna, annas, ben, bens } = await room(world);
    world.gemini.respondWith(short);
    const question = await anna.say(chat.id, `@Gemini is @${ben.username} right?`);
    expect(question.mentions).toEqual([ben.id]);
    await bens.next("mention", { message_id: question.id, seq: 1 });
    await answerEnds(annas);
  });

  test("without a question is refused over both ways, and stores nothing", async () => {
    const { chat, anna, annas, messages } = await room(world);
    for (const content of [
      "@Gemini",
      "  @GEMINI. \n ",
      "@gemini @gemini",
      "/bot @Gemini",
      "@Gemini \u200b",
    ]) {
      const { status, body } = await anna.api("POST", `/api/chats/${chat.id}/messages`, {
        content,
      });
      expect(status).toBe(422);
      expect(body).toMatchObject({ type: "/problems/invalid", errors: [{ pointer: "/content" }] });
      expect(body.detail).toBe("Write your question beside @Gemini.");
      const frame = await annas.ask({ type: "message", chat_id: chat.id, content });
      expect(frame).toMatchObject({ type: "error", code: "invalid", detail: body.detail });
    }
    expect(await messages()).toEqual([]);
  });

  test("with `help` is answered by the server itself", async () => {
    const { chat, anna, annas } = await room(world);
    const requests = world.gemini.requests.length;
    await anna.say(chat.id, "@Gemini help");
    expect((await answerEnds(annas)).text).toContain("@Gemini");
    expect(world.gemini.requests.length).toBe(requests);
  });

  test("adds nothing in an AI chat", async () => {
    const { chat, anna, annas } = await room(world, { is_ai_chat: true, is_group: false });
    const requests = world.gemini.requests.length;
    for (const content of ["good morning", "good morning, @Gemini"]) {
      world.gemini.respondWith(short);
      await anna.say(chat.id, content);
      await answerEnds(annas);
    }
    expect(world.gemini.requests.length).toBe(requests + 2);
    expect(lastRequest(world).body.contents.at(-1)?.parts[0]?.text).toEndWith(
      "] good morning, @Gemini",
    );
  });

  test("may be asked again, and is stored once however often it is sent", async () => {
    const { chat, anna, annas } = await room(world);
    const requests = world.gemini.requests.length;
    world.gemini.respondWith(short, short);
    const send = () => anna.say(chat.id, "@Gemini x", "one");
    const [first, second] = await Promise.all([send(), send()]);
    expect(second).toEqual(first);
    await answerEnds(annas);
    expect(await send()).toEqual(first);
    expect(world.gemini.requests.length).toBe(requests + 1);
    const path = `/api/chats/${chat.id}/messages/${first.id}/regenerate`;
    const { status, body } = await anna.api("POST", path);
    expect(status).toBe(200);
    expect(body.answer_to).toBe(first.id);
    await answerEnds(annas, body.id);
  });

  test("is refused like /bot where no model is configured", async () => {
    const bare = await startWorld({ model: false });
    const { chat, anna, messages } = await room(bare);
    const refused = await anna.api("POST", `/api/chats/${chat.id}/messages`, {
      content: "anyone, @Gemini?",
    });
    expect(refused.status).toBe(503);
    expect(refused.body.type).toBe("/problems/bot_not_configured");
    expect(await messages()).toEqual([]);
    await bare.stop();
  });
});
