// Reports of usage: a person sees their own usage, and an owner also that of their rooms.
import { expect, test } from "bun:test";
import { answer, answerAndHang, finish, say } from "../../world/gemini/script.ts";
import { UsageReport } from "../../../src/wire/answers.ts";
import { useWorld, type Person } from "../../world/world.ts";
import { finishAt } from "./settlement.ts";
import { answerEnds, room } from "../room.ts";

const world = useWorld({
  env: { BUDGET_TOKENS_PER_USER_DAY: "100000", BUDGET_ANSWERS_PER_CHAT: "0" },
});

async function usage(from: Person, query = "") {
  const { status, body } = await from.api("GET", `/api/usage${query}`);
  expect(status).toBe(200);
  return UsageReport.strict().parse(body);
}

const day = () => new Date().toISOString().slice(0, 10);
const today = {
  answers: 1,
  prompt_tokens: 100,
  answer_tokens: 20,
  thoughts_tokens: 7,
  cached_tokens: 30,
  total_tokens: 127,
};
const counted = finish("STOP", {
  promptTokenCount: 100,
  cachedContentTokenCount: 30,
  candidatesTokenCount: 20,
  thoughtsTokenCount: 7,
  totalTokenCount: 127,
});
const nothing = {
  used_tokens_today: 0,
  reserved_tokens: 0,
  limit_tokens_day: 100_000,
  running: 0,
  limit_running: 5,
  days: [],
};

test("a person sees their own by day, and the owner of a room all that was asked in it", async () => {
  const { chat, anna, ben, annas } = await room(world, { name: "Kitchen" });
  world.gemini.respondWith(answer(say("Yes."), counted));
  await ben.say(chat.id, "/bot well?");
  await answerEnds(annas);
  const mine = await usage(ben);
  expect(mine).toEqual({
    day: day(),
    mine: { ...nothing, used_tokens_today: 127, days: [{ day: day(), ...today }] },
    chats: [],
  });
  const owners = await usage(anna);
  expect(owners.mine).toEqual(nothing);
  expect(owners.chats).toEqual([
    {
      ...nothing,
      chat_id: chat.id,
      name: "Kitchen",
      used_tokens_today: 127,
      limit_tokens_day: 5_000_000,
      limit_running: null,
      days: [{ day: day(), ...today }],
    },
  ]);
  // The report follows the present owner of a room.
  await anna.api("PATCH", `/api/chats/${chat.id}`, { owner_id: ben.id });
  expect((await usage(anna)).chats).toEqual([]);
  expect((await usage(ben)).chats.map((account) => account.chat_id)).toEqual([chat.id]);
  const stranger = await world.person("stranger");
  expect(await usage(stranger)).toEqual({ day: day(), mine: nothing, chats: [] });
});

test("what runs is told with what it holds", async () => {
  const { chat, anna, annas } = await room(world);
  world.gemini.respondWith(answerAndHang(say("Ye")));
  await anna.say(chat.id, "/bot well?");
  const { message_id: id } = await annas.next("bot_stream", { chunk: "Ye" });
  const running = await usage(anna);
  for (const account of [running.mine, running.chats[0]]) {
    expect(account).toMatchObject({ running: 1, used_tokens_today: 0, days: [] });
    expect(account?.reserved_tokens).toBeGreaterThan(16_384);
  }
  await anna.api("POST", `/api/chats/${chat.id}/messages/${String(id)}/stop`);
  expect((await usage(anna)).mine).toMatchObject({ running: 0, reserved_tokens: 0 });
});

test("days are as many as are asked for, newest first, those without answers left out", async () => {
  const { chat, anna, annas } = await room(world);
  world.gemini.respondWith(answer(say("Yes."), finishAt(100, 20)));
  await anna.say(chat.id, "/bot well?");
  await answerEnds(annas);
  await world.sql`
    insert into usage_days (kind, id, day, answers, total_tokens)
    select kind, id, (now() at time zone 'utc')::date - back, 1, back
    from (values ('user', ${anna.id}::bigint), ('chat', ${chat.id}::bigint)) account (kind, id),
      unnest(array[1, 29, 30, 89, 90]) back
  `;
  const totals = async (query: string) => {
    const { mine, chats } = await usage(anna, query);
    expect(chats[0]?.days).toEqual(mine.days);
    return mine.days.map((one) => one.total_tokens);
  };
  expect(await totals("")).toEqual([120, 1, 29]);
  expect(await totals("?days=1")).toEqual([120]);
  expect(await totals("?days=90")).toEqual([120, 1, 29, 30, 89]);
  // Yesterday's are no more of today's.
  await world.sql`update budgets set day = day - 1 where kind = 'user' and id = ${anna.id}`;
  expect((await usage(anna)).mine.used_tokens_today).toBe(0);
});

test("days that are no such number, and callers who are nobody, are refused", async () => {
  const anna = await world.person("anna");
  for (const days of ["0", "91", "-1", "1.5", "all", ""]) {
    const { status, body } = await anna.api("GET", `/api/usage?days=${days}`);
    expect(status).toBe(422);
    expect(body.detail).toBeString();
  }
  expect((await world.call("GET", "/api/usage")).status).toBe(401);
});
