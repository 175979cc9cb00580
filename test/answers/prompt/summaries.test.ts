// Messages that no longer fit into a prompt are summarised: in the background, by the same model, at the room's cost.
import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { answer, answerAndHang, finish, refuse, say } from "../../world/gemini/script.ts";
import { useWorld } from "../../world/world.ts";
import { gateway } from "../asking.ts";
import {
  ask,
  facts,
  isSummary,
  smallContext,
  stored,
  summary,
  tell,
  textOf,
  yes,
} from "./summarising.ts";
import { account, expectSettled, finishAt, untilSummarised } from "../budget/settlement.ts";
import { room } from "../room.ts";

setDefaultTimeout(20_000);

const world = useWorld({ env: smallContext });

describe("a history that no longer fits", () => {
  test("is summarised from three quarters of the limit on, and the summary stands for what is left out", async () => {
    const { chat, anna, ben } = await room(world);
    await tell(anna, chat.id, ...facts(1, 4));
    expect(await ask(world, ben, chat.id, yes)).toHaveLength(1);
    expect(await stored(world, chat.id)).toEqual([]);
    await tell(ben, chat.id, ...facts(5, 6));
    const [asked, folded, ...more] = await ask(
      world,
      ben,
      chat.id,
      yes,
      summary("Six facts, told by two."),
    );
    if (!asked || !folded) throw new Error("no summary was requested");
    expect(more).toEqual([]);
    // Everything still fitted into this prompt.
    expect(textOf(asked)).toContain("fact 1 ");
    expect(isSummary(asked)).toBe(false);
    expect(isSummary(folded)).toBe(true);
    expect(folded.model).toBe(asked.model);
    expect(textOf(folded)).toMatch(new RegExp(`\\[#[0-9a-f]{8} ${anna.username}\\] fact 1 `));
    expect(textOf(folded)).not.toContain("fact 6 ");
    const [first] = await stored(world, chat.id);
    expect(first?.content).toBe("Six facts, told by two.");

    await tell(anna, chat.id, ...facts(7, 10));
    const [later, again] = await ask(world, anna, chat.id, yes, summary("Ten facts."));
    if (!later || !again) throw new Error("no summary was requested");
    expect(textOf(later)).toMatch(
      /^\[#[0-9a-f]{8} the server\] Older messages of this room, summed up:\nSix facts, told by two\.\n\n/,
    );
    expect(textOf(later)).not.toContain("fact 1 ");
    expect(textOf(later)).toContain("fact 10 ");

    // Each is made from the one before it, and what follows that.
    expect(textOf(again)).toStartWith(
      "The summary so far:\nSix facts, told by two.\n\nThe messages:",
    );
    expect(textOf(again)).not.toContain("fact 1 ");
    expect((await stored(world, chat.id)).map(({ content }) => content)).toEqual([
      "Six facts, told by two.",
      "Ten facts.",
    ]);
    await expectSettled(world);
  });

  test("is summarised at the room's cost, and nobody's else", async () => {
    const { chat, anna } = await room(world);
    await tell(anna, chat.id, ...facts(1, 7));
    const requests = await ask(
      world,
      anna,
      chat.id,
      answer(say("Yes."), finishAt(400, 4)),
      answer(say("Seven facts."), finishAt(200, 30)),
    );
    expect(requests.map(isSummary)).toEqual([false, true]);
    expect((await account(world, "user", anna.id)).used_tokens).toBe(404);
    expect((await account(world, "chat", chat.id)).used_tokens).toBe(404 + 230);
    const [days] = await world.sql`
      select answers, total_tokens from usage_days where kind = 'chat' and id = ${chat.id}
    `;
    expect(days).toEqual({ answers: 1, total_tokens: 634 });
    await expectSettled(world);
  });

  test("is never summarised beyond an answer that still runs", async () => {
    const { chat, anna, annas } = await room(world);
    await tell(anna, chat.id, "fact 1 ");
    world.gemini.respondWith(answerAndHang(say("Running")));
    await anna.say(chat.id, "/bot run");
    const { message_id: running } = await annas.next("bot_stream", { chunk: "Running" });
    await tell(anna, chat.id, ...facts(2, 9));
    const requests = await ask(world, anna, chat.id, yes, summary("One fact."));
    expect(requests.map(isSummary)).toEqual([false, true]);
    expect(textOf(requests[1])).not.toContain("fact 2 ");
    const [{ up_to_seq: upTo } = {}] = await stored(world, chat.id);
    expect(upTo).toBe(2);
    expect(await ask(world, anna, chat.id, yes)).toHaveLength(1);
    await anna.api("POST", `/api/chats/${chat.id}/messages/${String(running)}/stop`);
    expect((await ask(world, anna, chat.id, yes, summary("Nine facts."))).map(isSummary)).toEqual([
      false,
      true,
    ]);
  });

  test("is not charged for a summary that the model refuses to make", async () => {
    const { chat, anna } = await room(world);
    await tell(anna, chat.id, ...facts(1, 8));
    const answered = answer(say("Yes."), finishAt(400, 4));
    const requests = await ask(world, anna, chat.id, answered, refuse(400));
    expect(requests.map(isSummary)).toEqual([false, true]);
    expect((await account(world, "chat", chat.id)).used_tokens).toBe(404);
    await expectSettled(world);
  });

  test("is summarised once, however many questions end meanwhile", async () => {
    const { chat, anna, ben } = await room(world);
    await tell(anna, chat.id, ...facts(1, 8));
    const gate = gateway();
    world.gemini.respondWith(yes, answer(gate.step, say("Eight facts."), finish()), yes, yes);
    const before = world.gemini.requests.length;
    await anna.say(chat.id, "/bot one");
    await gate.reached;
    for (const person of [anna, ben]) {
      const { id } = await person.say(chat.id, "/bot more");
      await world.ctx.answers.find(id + 1)?.done;
    }
    gate.open();
    await untilSummarised(world, chat.id);
    expect(world.gemini.requests.slice(before).map(isSummary)).toEqual([false, true, false, false]);
    expect(await stored(world, chat.id)).toHaveLength(1);
  });
});

describe("where no summary comes about, the room goes on, and it is tried once more after the next question", () => {
  test.each([
    { why: "the model refuses", script: refuse(400) },
    { why: "it breaks off", script: answer(say("Half a")) },
    { why: "it has no end", script: answer(say("Half a"), finish("MAX_TOKENS")) },
    { why: "it is blocked", script: answer(say("Half a"), finish("SAFETY")) },
    { why: "it is empty", script: answer(finish()) },
    { why: "it is blank", script: answer(say(" \n "), finish()) },
    { why: "it is too long to be one", script: answer(say("x".repeat(8_001)), finish()) },
  ])("as $why", async ({ script }) => {
    const { chat, anna, annas } = await room(world);
    await tell(anna, chat.id, ...facts(1, 8));
    for (let times = 0; times < 2; times += 1) {
      const requests = await ask(world, anna, chat.id, yes, script);
      expect(requests.map(isSummary)).toEqual([false, true]);
      expect(await stored(world, chat.id)).toEqual([]);
      expect(annas.ofType("error")).toEqual([]);
    }
    await ask(world, anna, chat.id, yes, summary("At last."));
    expect(await stored(world, chat.id)).toHaveLength(1);
    await expectSettled(world);
  });

  test("as the room's tokens for today don't reach", async () => {
    const { chat, anna } = await room(world);
    await tell(anna, chat.id, ...facts(1, 8));
    const { chatDayTokens } = world.config.budgets;
    await world.sql`
      insert into budgets (kind, id, day, used_tokens)
      values ('chat', ${chat.id}, (now() at time zone 'utc')::date, ${chatDayTokens - 4_000})
    `;
    const requests = await ask(world, anna, chat.id, yes);
    expect(requests.map(isSummary)).toEqual([false]);
    expect(await stored(world, chat.id)).toEqual([]);
    expect(await account(world, "chat", chat.id)).toMatchObject({ running: 0, reserved_tokens: 0 });
  });
});
