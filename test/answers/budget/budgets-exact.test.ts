// A budget is never passed, however many ask at once and however the model counts: a reservation covers the most that its
// call can cost. The model here counts every byte of the prompt as a token, and uses all the output that it may.
import { expect, setDefaultTimeout, test } from "bun:test";
import type { ReceivedRequest } from "../../world/gemini/server.ts";
import { answer, finish, say, type Script } from "../../world/gemini/script.ts";
import { useWorld, type Person } from "../../world/world.ts";
import { account, expectSettled, untilQuiet, untilSummarised } from "./settlement.ts";

setDefaultTimeout(60_000);

const limit = 100_000;
const world = useWorld({
  env: {
    BUDGET_TOKENS_PER_USER_DAY: String(limit),
    BUDGET_TOKENS_PER_CHAT_DAY: String(limit),
    BUDGET_ANSWERS_PER_USER: "0",
    BUDGET_ANSWERS_PER_CHAT: "0",
    GEMINI_CONTEXT_TOKENS: "4000",
  },
});

/** The highest counts that a request allows: thoughts that are part of the output, or that count beside it. */
function worstCase({ body }: ReceivedRequest, { beside }: { beside: boolean }): Script {
  const contents = [...(body.systemInstruction ? [body.systemInstruction] : []), ...body.contents];
  const texts = contents.flatMap(({ parts }) => parts.map(({ text }) => text ?? ""));
  const promptTokenCount = Buffer.byteLength(texts.join("")) + 4 * contents.length;
  const output = body.generationConfig?.maxOutputTokens ?? Infinity;
  const budget = Math.max(0, body.generationConfig?.thinkingConfig?.thinkingBudget ?? 0);
  const thoughtsTokenCount = beside ? budget : Math.min(budget, output);
  const candidatesTokenCount = beside ? output : output - thoughtsTokenCount;
  const toolUsePromptTokenCount = body.tools ? 16_384 : 0;
  return answer(
    say("Yes."),
    finish("STOP", {
      promptTokenCount,
      candidatesTokenCount,
      thoughtsTokenCount,
      toolUsePromptTokenCount,
      totalTokenCount:
        promptTokenCount + candidatesTokenCount + thoughtsTokenCount + toolUsePromptTokenCount,
    }),
  );
}

const words = [
  "a few words",
  "数式と漢字の長い文",
  "🦊🦊🦊",
  "Ünïcödé",
  "12345 67890",
  "\n\n| a | b |\n",
];

/** Asks from many people at once until nobody is answered any more, and looks at the accounts all the time. */
async function useUp(people: Person[], chatId: number): Promise<number> {
  let answered = 0;
  for (let asked = Infinity; asked > 0;) {
    let isAsking = true;
    const asking = Promise.all(
      Array.from({ length: 4 * people.length }, async (_, index) => {
        const from = people[index % people.length] ?? people[0];
        const content = `/bot ${words[index % words.length]?.repeat(1 + (index % 5)) ?? ""}?`;
        return await from?.api("POST", `/api/chats/${chatId}/messages`, { content });
      }),
    ).finally(() => (isAsking = false));
    while (isAsking) expect(await over(chatId, people)).toEqual([]);
    asked = (await asking).filter((reply) => reply?.status === 200).length;
    answered += asked;
    await untilQuiet(world, { id: chatId });
    await untilSummarised(world, chatId);
    expect(await over(chatId, people)).toEqual([]);
  }
  return answered;
}

async function over(chatId: number, people: Person[]) {
  return [
    ...(await world.sql`
      select kind, id, reserved_tokens, used_tokens from budgets
      where reserved_tokens + used_tokens > ${limit}
        and (kind = 'chat' and id = ${chatId} or kind = 'user' and id = any (${people.map(({ id }) => id)}))
    `),
  ];
}

test.each<[what: string, settings: Record<string, unknown>, beside: boolean]>([
  ["no settings", {}, false],
  ["no thoughts", { thinking_budget: 0 }, false],
  ["thoughts within the output", { thinking_budget: 2_048 }, false],
  ["thoughts beside the output", { thinking_budget: 2_048 }, true],
  ["many thoughts beside the output", { thinking_budget: 24_576 }, true],
  ["a search", { google_search: true }, false],
  ["a long persona", { persona: "専門家".repeat(1_000) }, false],
])("with %s, questions of four people at once never pass it", async (_, settings, beside) => {
  const [first, ...others] = await Promise.all([1, 2, 3, 4].map(() => world.person()));
  if (!first) throw new Error("nobody is there");
  const people = [first, ...others];
  const chat = await first.chat({ with: others });
  await first.api("PATCH", `/api/chats/${chat.id}`, { settings });
  for (const [index, text] of words.entries())
    await first.say(chat.id, text.repeat(20 * index + 1));
  world.gemini.respondWith(
    ...Array.from(
      { length: 200 },
      () => (request: ReceivedRequest) => worstCase(request, { beside }),
    ),
  );
  expect(await useUp(people, chat.id)).toBeGreaterThan(1);
  world.gemini.forgetScripts();
  const { used_tokens: used } = await account(world, "chat", chat.id);
  expect(used).toBeLessThanOrEqual(limit);
  expect(used).toBeGreaterThan(limit / 2);
  await expectSettled(world);
});

test("a person's budget holds across rooms", async () => {
  const anna = await world.person("anna");
  const chats = await Promise.all([1, 2, 3, 4].map(() => anna.chat()));
  for (const { id } of chats) await anna.say(id, "数式".repeat(300));
  world.gemini.respondWith(
    ...Array.from(
      { length: 60 },
      () => (request: ReceivedRequest) => worstCase(request, { beside: true }),
    ),
  );
  for (let round = 0; round < 5; round += 1) {
    await Promise.all(
      chats.flatMap(({ id }) => [1, 2, 3].map(() => anna.say(id, "/bot 数式？".repeat(3)))),
    );
    await untilQuiet(world, ...chats);
    expect((await account(world, "user", anna.id)).used_tokens).toBeLessThanOrEqual(limit);
  }
  world.gemini.forgetScripts();
  expect((await account(world, "user", anna.id)).used_tokens).toBeGreaterThan(limit / 2);
});
