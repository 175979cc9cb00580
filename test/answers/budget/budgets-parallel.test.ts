// Budgets while many ask at once, and over a restart.
import { expect, setDefaultTimeout, test } from "bun:test";
import { insertRun, releaseRun } from "../../../src/answers/budget/queries.ts";
import { answer, answerAndHang, say, until } from "../../world/gemini/script.ts";
import { useWorld } from "../../world/world.ts";
import { gateway } from "../asking.ts";
import { account, expectSettled, finishAt, untilQuiet } from "./settlement.ts";
import { answerEnds, lastRequest, room } from "../room.ts";

setDefaultTimeout(30_000);

const userTokens = 60_000;
const chatTokens = 70_000;
const userAnswers = 3;
const chatAnswers = 10;
const allAnswers = 18;
const promptTokens = 300;
const answerTokens = 40;

const world = useWorld({
  env: {
    BUDGET_TOKENS_PER_USER_DAY: String(userTokens),
    BUDGET_TOKENS_PER_CHAT_DAY: String(chatTokens),
    BUDGET_ANSWERS_PER_USER: String(userAnswers),
    BUDGET_ANSWERS_PER_CHAT: String(chatAnswers),
    BUDGET_ANSWERS_TOTAL: String(allAnswers),
  },
});

/** Accounts that are over one of their limits now. */
async function over() {
  return [
    ...(await world.sql`
      select kind, id, running, reserved_tokens, used_tokens from budgets
      where running > case kind when 'user' then ${userAnswers}::int else ${chatAnswers}::int end
        or reserved_tokens + used_tokens > case kind when 'user' then ${userTokens}::int else ${chatTokens}::int end
    `),
  ];
}

test("what is used and held survives a restart, and an answer that goes on is settled after it", async () => {
  const { chat, anna, annas } = await room(world);
  world.gemini.respondWith(answer(say("Yes."), finishAt(20_000, 15_000)));
  await anna.say(chat.id, "/bot one");
  await answerEnds(annas);
  const used = 35_000;
  const gate = gateway();
  world.gemini.respondWith(
    answerAndHang(say("Half, ")),
    answer(gate.step, say("whole."), finishAt(300, 10)),
  );
  await anna.say(chat.id, "/bot two");
  await annas.next("bot_stream", { chunk: "Half, " });
  const before = await account(world, "user", anna.id);
  expect(before).toMatchObject({ running: 1, used_tokens: used });
  await world.restart();
  await gate.reached;
  expect(await account(world, "user", anna.id)).toEqual(before);

  world.gemini.respondWith(answer(say("A little."), finishAt(300, 20)));
  const socket = await anna.joined(chat.id);
  await anna.say(chat.id, "/bot three");
  await socket.next("bot_stream", { is_complete: true });
  const { generationConfig } = lastRequest(world).body;
  const left = userTokens - used - before.reserved_tokens;
  expect(left).toBeLessThan(10_000);
  expect(generationConfig).toEqual({ maxOutputTokens: expect.any(Number) });
  expect(JSON.parse(JSON.stringify(generationConfig)).maxOutputTokens).toBeLessThan(left);
  gate.open();
  expect(await socket.next("bot_stream", { is_complete: true })).toMatchObject({
    status: "complete",
    full_response: "Half, whole.",
  });
  await untilQuiet(world, chat);
  await expectSettled(world);
  const { used_tokens: after } = await account(world, "user", anna.id);
  // The part before the restart was not counted, and is estimated.
  expect(after).toBeGreaterThan(used + 320 + 310);
  expect(after).toBeLessThan(used + 2_000);
});

test("100 questions of eight people in four rooms at once never pass a limit, and all is settled", async () => {
  const people = await Promise.all(Array.from({ length: 8 }, () => world.person()));
  const [first, ...others] = people;
  if (!first) throw new Error("nobody is there");
  const chats = await Promise.all([1, 2, 3, 4].map(() => first.chat({ with: others })));

  const asked = world.gemini.requests.length;
  const opened = Promise.withResolvers<void>();
  let begun = 0;
  const script = answer(
    until(() => {
      begun += 1;
      return opened.promise;
    }),
    say("Yes."),
    finishAt(promptTokens, answerTokens),
  );
  world.gemini.respondWith(...Array.from({ length: 100 }, () => script));
  let statuses: number[] = [];
  let isAsking = true;
  const asking = Promise.all(
    Array.from({ length: 100 }, async (_, index) => {
      const person = people[index % people.length] ?? first;
      const chat = chats[Math.floor(index / people.length) % chats.length];
      const path = `/api/chats/${chat?.id}/messages`;
      const { status, headers } = await person.api("POST", path, { content: "/bot well?" });
      if (status === 429) expect(headers.get("retry-after")).toBe("5");
      return status;
    }),
  ).then((all) => {
    statuses = all;
    isAsking = false;
  });
  while (isAsking) expect(await over()).toEqual([]);
  await asking;
  const accepted = statuses.filter((status) => status === 200).length;
  expect(accepted).toBeGreaterThan(0);
  expect(accepted).toBeLessThanOrEqual(allAnswers);
  expect(statuses.filter((status) => status === 429)).toHaveLength(100 - accepted);
  await world.gemini.received(asked + accepted);

  const [running] = await world.sql`
    select sum(running)::int as running, min(reserved_tokens) filter (where running > 0) > 0 as reserves
    from budgets where kind = 'chat' and id = any (${chats.map(({ id }) => id)})
  `;
  expect(running).toEqual({ running: accepted, reserves: true });
  opened.resolve();
  await untilQuiet(world, ...chats);
  expect(begun).toBe(accepted);
  await expectSettled(world);
  const used = await world.sql`
    select kind, sum(used_tokens)::int as used
    from budgets
    where kind = 'chat' and id = any (${chats.map(({ id }) => id)})
      or kind = 'user' and id = any (${people.map(({ id }) => id)})
    group by kind
    order by kind
  `;
  const all = accepted * (promptTokens + answerTokens);
  expect([...used]).toEqual([
    { kind: "chat", used: all },
    { kind: "user", used: all },
  ]);
});

test("as many answers run on all servers together as may, and not one more, however many ask at once", async () => {
  const limits = { userTokens: 0, chatTokens: 0, userAnswers: 0, chatAnswers: 0, allAnswers: 7 };
  const reserve = (index: number, isAnswer = true) =>
    insertRun(world.sql, {
      ...{ chatId: 2_000_000 + index, userId: 2_000_000 + index, tokensMin: 1, tokensWanted: 10 },
      ...{ limits, leaseSeconds: 60, isAnswer },
    });
  // Their accounts are made first, so that all come to the count at the same time.
  const numbers = Array.from({ length: 60 }, (_, index) => index);
  const release = async (runs: readonly { run_id: number | null }[]) => {
    for (const { run_id: id } of runs)
      if (id !== null) await releaseRun(world.sql, { id, attempt: 1 });
  };
  for (const index of numbers) await release([await reserve(index)]);
  // Runs of transcripts are no answers.
  const others = await Promise.all(numbers.slice(0, 7).map((index) => reserve(index, false)));
  const runs = await Promise.all(numbers.map((index) => reserve(index)));
  expect(runs.filter(({ run_id: id }) => id !== null)).toHaveLength(7);
  expect(runs.filter(({ all_are_busy: isRefused }) => isRefused)).toHaveLength(53);
  await release([...others, ...runs]);
  await expectSettled(world);
});

test("reservations and settlements of any people in any rooms never wait in a circle", async () => {
  const limits = { userTokens: 0, chatTokens: 0, userAnswers: 0, chatAnswers: 0 };
  const usage = {
    prompt_tokens: 1,
    answer_tokens: 1,
    thoughts_tokens: 0,
    cached_tokens: 0,
    total_tokens: 2,
  };
  // No such people or rooms are needed: accounts outlive both. Every pair, often, in every order.
  await Promise.all(
    Array.from({ length: 600 }, async (_, index) => {
      const run = await insertRun(world.sql, {
        chatId: 1_000_000 + (index % 3),
        userId: index % 7 === 0 ? undefined : 1_000_002 - (index % 4),
        tokensMin: 1,
        tokensWanted: 10,
        limits,
        leaseSeconds: 60,
      });
      expect(run.run_id).not.toBeNull();
      await releaseRun(world.sql, { id: run.run_id ?? 0, attempt: 1 }, usage);
    }),
  );
  await expectSettled(world);
  const [chats] = await world.sql`
    select sum(used_tokens)::int as used from budgets where kind = 'chat' and id >= 1000000
  `;
  expect(chats?.used).toBe(1_200);
});
