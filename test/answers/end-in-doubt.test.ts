// An answer's end that is committed though its reply never came.
import { expect, test } from "bun:test";
import { recoverAnswers } from "../../src/answers/recovery.ts";
import { noUsage } from "../../src/answers/budget/usage-meter.ts";
import { endAnswer } from "../../src/answers/queries.ts";
import type { Answers } from "../../src/context.ts";
import { answer, finish, say } from "../world/gemini/script.ts";
import { useWorld } from "../world/world.ts";
import { gateway } from "./asking.ts";
import { leftBehind, soFar } from "./left-behind.ts";

// The server's own recovery must not come first.
const world = useWorld({ durations: { recoveryMs: 60_000, logCheckMs: 50, gapMs: 20 } });

test("who joins before the server knows that an answer's end was stored sees it ended, and no piece after it", async () => {
  const anna = await world.person("anna");
  const chat = await anna.chat();
  const gate = gateway();
  world.gemini.respondWith(answer(say("All of it."), gate.step, finish()));
  const question = await anna.say(chat.id, "/bot well?");
  await gate.reached;
  const [reply] = world.ctx.answers.inChat(chat.id, question.seq + 1);
  if (!reply) throw new Error("nothing runs");

  const holder = await world.sql.reserve();
  await holder`begin`;
  await holder`select from chats where id = ${chat.id} for update`;
  gate.open();
  await world.untilBlocked();
  await world.sql`
    select pg_terminate_backend(pid) from pg_stat_activity
    where datname = current_database() and wait_event_type = 'Lock'
  `;
  await holder`rollback`;
  holder.release();
  const ended = await endAnswer(
    world.sql,
    reply,
    { status: "complete" },
    { content: "All of it.", charged: noUsage },
  );
  expect(ended).toBeDefined();

  const annas = await anna.joined(chat.id, 0);
  await annas.settle();
  const shown = annas.frames.filter((frame) => frame.message_id === reply.messageId);
  expect(shown).toEqual([
    expect.objectContaining({ type: "message", content: "All of it.", status: "complete" }),
  ]);
  await reply.done;
});

test("who was shown the end of a left answer from the log sees no piece after it when the reply comes", async () => {
  const anna = await world.person("anna");
  const chat = await anna.chat();
  const annas = await anna.joined(chat.id);
  const question = await anna.say(chat.id, "for the dead one");
  const messageId = await leftBehind(world.sql, question, { leaseSeconds: 60 });
  await world.sql`
    update answer_runs set stop_requested = true, lease_expires_at = now() where message_id = ${messageId}
  `;
  const isEnd = (parts: unknown) => String(parts).includes("answer_ended");
  const late = new Proxy(world.sql, {
    apply(sql, self, given) {
      const query = Reflect.apply(sql, self, given);
      if (!isEnd(given[0])) return query;
      return (async () => {
        const rows = await query;
        world.ctx.realtime.rooms.expect(chat.id, question.seq + 2);
        await annas.next("bot_stream", { is_complete: true });
        return rows;
      })();
    },
  });
  await recoverAnswers({ ...world.ctx, sql: late });
  await annas.settle();
  const shown = annas.ofType("bot_stream").map(({ chunk, is_complete }) => [chunk, is_complete]);
  expect(shown).toEqual([
    ["", false],
    ["So far", false],
    ["", true],
  ]);
});

test.each([
  ["ended elsewhere", { isStopped: false }],
  ["asked to stop", { isStopped: true }],
])(
  "a left answer that was %s while its prompt was made here shows no piece after its end",
  async (_, { isStopped }) => {
    const anna = await world.person("anna");
    const chat = await anna.chat();
    const annas = await anna.joined(chat.id);
    const question = await anna.say(chat.id, "for the dead one");
    const messageId = await leftBehind(world.sql, question, { leaseSeconds: 60 });
    const holder = await world.sql.reserve();
    await holder`begin`;
    await holder`lock table chat_summaries in access exclusive mode`;
    await world.sql`update answer_runs set lease_expires_at = now() where message_id = ${messageId}`;
    const requests = world.gemini.requests.length;
    const recovery = recoverAnswers(world.ctx);
    await world.untilBlocked();
    if (isStopped) {
      await world.sql`update answer_runs set stop_requested = true where message_id = ${messageId}`;
    } else {
      const [run] = await world.sql`
        update answer_runs set attempt = attempt + 1 where message_id = ${messageId} returning id, attempt
      `;
      const lease = { id: Number(run?.id), attempt: Number(run?.attempt) };
      const end = { chatId: chat.id, lease };
      await endAnswer(world.sql, end, { status: "stopped" }, { charged: noUsage });
      await annas.next("bot_stream", { is_complete: true, message_id: messageId });
    }
    await holder`rollback`;
    holder.release();
    if (isStopped) await annas.next("bot_stream", { is_complete: true, message_id: messageId });
    await recovery;
    await annas.settle();
    expect(annas.ofType("bot_stream").at(-1)).toMatchObject({
      is_complete: true,
      status: "stopped",
      full_response: soFar,
    });
    expect(world.gemini.requests).toHaveLength(requests);
  },
);

test("an answer that is ended here while it still runs here, its lease lost, shows no piece after its end", async () => {
  const anna = await world.person("anna");
  const chat = await anna.chat();
  const annas = await anna.joined(chat.id);
  const gate = gateway();
  world.gemini.respondWith(answer(say("Mostly"), gate.step, say(" too late"), finish()));
  await anna.say(chat.id, "/bot well?");
  const { message_id: messageId } = await annas.next("bot_stream", { chunk: "Mostly" });
  await gate.reached;
  const running = world.ctx.answers.find(Number(messageId));
  await world.sql`
    update answer_runs set stop_requested = true, lease_expires_at = now() - interval '1 hour'
    where message_id = ${Number(messageId)}
  `;
  const forgetful = new Proxy(world.ctx.answers, {
    get(answers, name: keyof Answers) {
      const member = answers[name];
      if (name === "runIds") return () => [];
      return typeof member === "function" ? member.bind(answers) : member;
    },
  });
  await recoverAnswers({ ...world.ctx, answers: forgetful });
  await annas.next("bot_stream", { is_complete: true, message_id: messageId });
  gate.open();
  await running?.done;
  await annas.settle();
  expect(annas.ofType("bot_stream").at(-1)).toMatchObject({ is_complete: true, status: "stopped" });
});
