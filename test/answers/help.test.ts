// `/bot help` is answered by the server itself.
import { expect, setDefaultTimeout, test } from "bun:test";
import { answerAndHang, say } from "../world/gemini/script.ts";
import { startWorld, useWorld } from "../world/world.ts";
import { askAndSummarise } from "./budget/settlement.ts";
import { answerEnds, room } from "./room.ts";

// Worlds of their own take a second each, on a busy machine several.
setDefaultTimeout(20_000);

const world = useWorld({
  env: {
    GEMINI_CONTEXT_TOKENS: "300",
    BUDGET_ANSWERS_PER_USER: "1",
    BUDGET_ANSWERS_TOTAL: "1",
    BUDGET_TOKENS_PER_USER_DAY: "20000",
  },
});

test.each(["/bot help", "/BOT Help", "  /bot \n HELP "])(
  "%j is answered to the whole room, without the model and at nobody's cost",
  async (content) => {
    const { chat, anna, bens, messages } = await room(world);
    const requests = world.gemini.requests.length;
    const question = await anna.say(chat.id, content);
    const shown = await answerEnds(bens);
    expect(shown.first.answer_to).toBe(question.id);
    expect(shown.last).toMatchObject({ status: "complete" });
    expect(shown.text).toContain("/bot");
    expect(shown.text).toContain("gemini-2.5-flash");
    expect((await messages())[1]).toMatchObject({ content: shown.text, is_bot: true });
    expect(world.gemini.requests.length).toBe(requests);
    expect((await anna.api("GET", "/api/usage")).body).toMatchObject({
      mine: { used_tokens_today: 0, days: [] },
      chats: [{ used_tokens_today: 0, days: [] }],
    });
    // A text in which `help` is only the beginning of a longer word is a question.
    await anna.say(chat.id, "/bot helpful answers?");
    await answerEnds(bens);
    expect(world.gemini.requests.length).toBe(requests + 1);
  },
);

test("help comes also when every budget is used up, and is in no question's way", async () => {
  const { chat, anna, annas, ben, bens } = await room(world);
  world.gemini.respondWith(answerAndHang(say("Running")));
  await anna.say(chat.id, "/bot run");
  const { message_id: running } = await annas.next("bot_stream", { chunk: "Running" });
  await world.sql`update budgets set used_tokens = 1e9 where kind = 'user' and id = ${anna.id}`;
  await world.sql`update budgets set used_tokens = 1e9 where kind = 'chat' and id = ${chat.id}`;
  const path = `/api/chats/${chat.id}/messages`;
  expect((await anna.api("POST", path, { content: "/bot more" })).status).toBe(429);
  const help = await anna.say(chat.id, "/bot help");
  expect(
    await bens.next("bot_stream", { message_id: help.id + 1, is_complete: true }),
  ).toMatchObject({ status: "complete", full_response: expect.stringContaining("/bot") });
  const before = await world.sql`select kind, id, running from budgets where running > 0`;
  expect([...before].map(({ kind, running }) => [kind, running]).toSorted()).toEqual([
    ["chat", 1],
    ["user", 1],
  ]);
  const again = await ben.api("POST", `${path}/${help.id}/regenerate`);
  expect(again).toMatchObject({ status: 200, body: { answer_to: help.id } });
  await bens.next("bot_stream", { message_id: again.body.id, is_complete: true });
  await anna.api("POST", `${path}/${String(running)}/stop`);
});

test("help does not summarise the history", async () => {
  const { chat, anna } = await room(world);
  for (let n = 1; n <= 9; n += 1) await anna.say(chat.id, `fact ${n} ${"x".repeat(80)}`);
  const requests = world.gemini.requests.length;
  await askAndSummarise(world, anna, chat.id, "/bot help");
  expect(world.gemini.requests.length).toBe(requests);
  const [row] =
    await world.sql`select used_tokens from budgets where kind = 'chat' and id = ${chat.id}`;
  expect(row).toEqual({ used_tokens: 0 });
});

test("help comes without a model, too, and in an AI chat says that every message asks", async () => {
  const bare = await startWorld({ model: false });
  const { chat, anna, annas } = await room(bare);
  await anna.say(chat.id, "/bot help");
  expect((await answerEnds(annas)).last.status).toBe("complete");
  const ai = await anna.chat({ is_ai_chat: true, is_group: false });
  const socket = await anna.joined(ai.id);
  await anna.say(ai.id, "/bot help");
  expect((await answerEnds(socket)).text).toContain("every message");
  await bare.stop();
});
