// A question that is stored in time, though the reply of the database comes after the answer's lease has run out.
import { beforeAll, expect, setDefaultTimeout } from "bun:test";
import { recoverAnswers } from "../../src/answers/recovery.ts";
import { leaseSeconds } from "../../src/answers/budget/abandoned-runs.ts";
import type { Ctx } from "../../src/context.ts";
import { sendMessage } from "../../src/messages/send.ts";
import type { RunningServer } from "../../src/server.ts";
import { answer, answerAndHang, finish, say } from "../world/gemini/script.ts";
import { longTest, test } from "../world/long.ts";
import { useWorld, type World } from "../world/world.ts";
import { gateway, whenAborted } from "./asking.ts";
import { unsettled } from "./left-behind.ts";
import { answerEnds, room } from "./room.ts";

// On a busy machine.
setDefaultTimeout(20_000);

/** A test decides when a server looks for answers that were left. */
const still = { durations: { recoveryMs: 3_600_000 } };
const alone = useWorld(still);
const world = useWorld(still);
let other: RunningServer;
beforeAll(() => {
  other = world.startAnother();
});

/** A context in which the reply comes when the lease has run out and something has happened since. */
function lateReplies({ ctx, sql }: World, meanwhile: () => Promise<unknown>): Ctx {
  let lateMs = 0;
  const grouped: Ctx["grouped"] = {
    ...ctx.grouped,
    async insertMessage(message) {
      const outcome = await ctx.grouped.insertMessage(message);
      await sql`update answer_runs set lease_expires_at = now() - interval '1 second'`;
      lateMs = leaseSeconds * 1_000;
      await meanwhile();
      return outcome;
    },
  };
  return { ...ctx, grouped, now: () => new Date(Date.now() + lateMs) };
}

test("its server takes nothing over that is its own, and the model is asked once", async () => {
  const { chat, anna, bens, messages } = await room(alone);
  const requests = alone.gemini.requests.length;
  alone.gemini.respondWith(answer(say("Well."), finish()));
  const late = lateReplies(alone, () => recoverAnswers(alone.ctx));
  await sendMessage(late, { ...anna, expiresAtMs: Infinity }, chat.id, { content: "/bot well?" });
  expect(await answerEnds(bens)).toMatchObject({ text: "Well." });
  expect(alone.gemini.requests.length).toBe(requests + 1);
  expect((await messages())[1]).toMatchObject({ content: "Well.", status: "complete" });
  expect(await unsettled(alone.sql)).toEqual([[], [], []]);
});

longTest(
  "another server that has taken the answer over goes on with it, and what was asked ahead here is dropped",
  async () => {
    const { chat, anna, bens, messages } = await room(world);
    const requests = world.gemini.requests.length;
    const gate = gateway();
    world.gemini.respondWith(
      answerAndHang(say("Asked ahead")),
      answer(say("Well"), gate.step, say(" enough."), finish()),
    );
    const late = lateReplies(world, async () => {
      await recoverAnswers(other.ctx);
      await gate.reached;
    });
    const question = await sendMessage(late, { ...anna, expiresAtMs: Infinity }, chat.id, {
      content: "/bot well?",
    });
    expect(question).toMatchObject({ seq: 1 });
    const [stored] = await world.sql`select id from messages where answer_to = ${question.id}`;
    const messageId = Number(stored?.id);
    expect(world.ctx.answers.find(messageId)).toBeUndefined();
    await whenAborted(world.gemini.requests[requests]?.aborted ?? new AbortController().signal);
    gate.open();
    await other.ctx.answers.find(messageId)?.done;
    expect((await messages())[1]).toMatchObject({ content: "Well enough.", status: "complete" });
    await bens.next("bot_stream", { is_complete: true, full_response: "Well enough." });
    expect(bens.ofType("bot_stream").map(({ chunk }) => chunk)).not.toContain("Asked ahead");
    expect(await unsettled(world.sql)).toEqual([[], [], []]);
  },
);

longTest(
  "a question with a client id is asked once, by the server that has its answer",
  async () => {
    const { chat, anna, bens } = await room(world);
    const requests = world.gemini.requests.length;
    world.gemini.respondWith(answer(say("Well enough."), finish()));
    const late = lateReplies(world, () => recoverAnswers(other.ctx));
    const input = { content: "/bot well?", client_id: "one" };
    await sendMessage(late, { ...anna, expiresAtMs: Infinity }, chat.id, input);
    expect(await answerEnds(bens)).toMatchObject({ text: "Well enough." });
    expect(world.gemini.requests.length).toBe(requests + 1);
  },
);

test("a lease that nobody has taken is renewed, and the answer goes on", async () => {
  const { chat, anna, bens, messages } = await room(world);
  world.gemini.respondWith(answer(say("Well."), finish()));
  const late = lateReplies(world, async () => {});
  await sendMessage(late, { ...anna, expiresAtMs: Infinity }, chat.id, { content: "/bot well?" });
  expect(await answerEnds(bens)).toMatchObject({ text: "Well." });
  expect((await messages())[1]).toMatchObject({ status: "complete" });
});
