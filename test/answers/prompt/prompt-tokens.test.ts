// The size of a prompt: it is corrected by the model's own count, and never exceeds the reservation.
import { expect, setDefaultTimeout, test } from "bun:test";
import { tokensAtMost } from "../../../src/answers/text/token-estimates.ts";
import { answer, finish, say } from "../../world/gemini/script.ts";
import { sendMessage } from "../../../src/messages/send.ts";
import { useWorld } from "../../world/world.ts";
import { finishAt } from "../budget/settlement.ts";
import { answerEnds, lastRequest, room } from "../room.ts";

setDefaultTimeout(20_000);

const userTokens = 20_000;
const world = useWorld({
  env: { GEMINI_CONTEXT_TOKENS: "1000", BUDGET_TOKENS_PER_USER_DAY: String(userTokens) },
});

function sent(): string {
  return JSON.stringify(lastRequest(world).body.contents);
}

test("what the model counts corrects a room's next prompts, and no other room's", async () => {
  const { chat, anna, annas } = await room(world);
  for (let n = 1; n <= 6; n += 1) await anna.say(chat.id, `number ${n} ${"x".repeat(250)}`);
  world.ctx.answers.summarising.add(chat.id);
  const ask = async (promptTokens: number) => {
    world.gemini.respondWith(answer(say("Yes."), finishAt(promptTokens, 2)));
    await anna.say(chat.id, "/bot well?");
    await answerEnds(annas);
    return sent().match(/number \d/g)?.length;
  };
  expect(await ask(0)).toBe(6);
  expect(await ask(900)).toBe(6);
  const ratio = async () => {
    const [row] =
      await world.sql`select token_ratio from budgets where kind = 'chat' and id = ${chat.id}`;
    return Number(row?.token_ratio);
  };
  const before = await ratio();
  world.gemini.respondWith(answer(say("Yes."), finishAt(1_900, 2)));
  await world.sql`update budgets set used_tokens = 0 where kind = 'user'`;
  await anna.say(chat.id, "/bot well?");
  await answerEnds(annas);
  expect(await ratio()).toBeGreaterThan(before);
  await world.sql`update budgets set used_tokens = 0 where kind = 'user'`;
  expect(await ask(900)).toBeLessThan(6);

  const elsewhere = await anna.chat();
  const socket = await anna.joined(elsewhere.id);
  for (let n = 1; n <= 6; n += 1) await anna.say(elsewhere.id, `number ${n} ${"x".repeat(250)}`);
  world.ctx.answers.summarising.add(elsewhere.id);
  await world.sql`update budgets set used_tokens = 0 where kind = 'user'`;
  world.gemini.respondWith(answer(say("Yes."), finish()));
  await anna.say(elsewhere.id, "/bot well?");
  await answerEnds(socket);
  expect(sent().match(/number \d/g)).toHaveLength(6);
});

test("what others write while a question is being stored is not in its prompt, which keeps to the reservation", async () => {
  const { chat, anna, annas, ben } = await room(world);
  await anna.say(chat.id, "read before");
  // The rules and a short question take 1,500 at most, and 512 are kept for the answer.
  await world.sql`
    insert into budgets (kind, id, day, used_tokens)
    values ('user', ${anna.id}, (now() at time zone 'utc')::date, ${userTokens - 2_400})
  `;
  const reserved = 2_400;
  world.gemini.respondWith(answer(say("Fine."), finish()));
  const send = (from: typeof anna, content: string) =>
    sendMessage(world.ctx, { ...from, expiresAtMs: Infinity }, chat.id, { content });
  const [, question] = await world.whileLocked(
    chat.id,
    1,
    () => Promise.all([send(ben, `in between ${"x".repeat(2_000)}`), send(anna, "/bot first?")]),
    async (transaction) => {
      for (let runs = 0; runs === 0;) {
        const [row] =
          await transaction`select count(*) as count from answer_runs where chat_id = ${chat.id}`;
        runs = Number(row?.count);
      }
    },
  );
  expect(question.seq).toBe(3);
  await answerEnds(annas);
  expect(sent()).not.toContain("in between");
  expect(sent()).toContain("read before");
  const { body } = lastRequest(world);
  const { maxOutputTokens } = JSON.parse(JSON.stringify(body.generationConfig));
  const texts = [body.systemInstruction, ...body.contents].flatMap(
    (content) => content?.parts.map(({ text = "" }) => text) ?? [],
  );
  const prompt = texts.reduce((sum, text) => sum + tokensAtMost(text), 0);
  expect(prompt + maxOutputTokens).toBeLessThanOrEqual(reserved);
  expect(maxOutputTokens).toBeGreaterThanOrEqual(512);
  await expectSettledUsers();
});

async function expectSettledUsers() {
  const rows = await world.sql`select id from budgets where running <> 0 or reserved_tokens <> 0`;
  expect([...rows]).toEqual([]);
}
