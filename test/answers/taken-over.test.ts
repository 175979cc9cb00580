// Two servers on one database: an answer belongs to one of them at a time, and can be stopped, seen and deleted through
// either.
import { afterEach, beforeAll, describe, expect, setDefaultTimeout } from "bun:test";
import { leaseSeconds, silenceSeconds } from "../../src/answers/budget/abandoned-runs.ts";
import { insertRun } from "../../src/answers/budget/queries.ts";
import { recoverAnswers } from "../../src/answers/recovery.ts";
import type { Answers } from "../../src/context.ts";
import { answer, cut, finish, say } from "../world/gemini/script.ts";
import type { RunningServer } from "../../src/server.ts";
import { longTest, test } from "../world/long.ts";
import { TestSocket } from "../world/socket.ts";
import { useWorld, type Person } from "../world/world.ts";
import { gateway, whenAborted } from "./asking.ts";
import { leftBehind, soFar, unsettled } from "./left-behind.ts";
import { lastRequest, room } from "./room.ts";
import { ends } from "./streamed.ts";

// Some wait for what happens once a second, and for a busy machine.
setDefaultTimeout(20_000);

const world = useWorld();
let other: RunningServer;
beforeAll(() => {
  other = world.startAnother();
});
/** Waits until nothing streams, runs or is reserved any more. */
async function untilSettled() {
  while ((await unsettled(world.sql)).some(({ length }) => length > 0)) await Bun.sleep(20);
}
afterEach(untilSettled);

async function joinedOther({ token }: Person, chatId: number) {
  const socket = new TestSocket(`${other.url.replace("http", "ws")}/ws?token=${token}&frames=flat`);
  await socket.opened;
  socket.send({ type: "join", chat_id: chatId });
  await socket.next("joined", { chat_id: chatId });
  return socket;
}

async function askOther({ token }: Person, method: string, path: string) {
  const headers = { authorization: `Bearer ${token}` };
  const response = await fetch(other.url + path, { method, headers });
  return { status: response.status, body: JSON.parse(await response.text()) };
}

/** A room with an answer that runs on the first server and has begun, and ben listening on the second. */
async function running() {
  const here = await room(world);
  const gate = gateway();
  world.gemini.respondWith(answer(say("Mostly"), gate.step, say(" of the first"), finish()));
  await here.anna.say(here.chat.id, "/bot well?");
  const { message_id } = await here.annas.next("bot_stream", { chunk: "Mostly" });
  const messageId = Number(message_id);
  const elsewhere = await joinedOther(here.ben, here.chat.id);
  const path = `/api/chats/${here.chat.id}/messages/${messageId}/stop`;
  return { ...here, gate, messageId, elsewhere, path, request: lastRequest(world) };
}

describe("an answer whose server was taken for dead", () => {
  test("goes on elsewhere, and what that server still hears wins nowhere", async () => {
    const { annas, bens, elsewhere, gate, messageId, messages, request } = await running();
    while ((await messages())[1].content !== "Mostly") await Bun.sleep(20);
    world.gemini.respondWith(answer(say(" and half"), say(" of the second"), finish()));
    for (let attempt = 1; attempt === 1;) {
      await world.sql`update answer_runs set lease_expires_at = now() where message_id = ${messageId}`;
      await recoverAnswers(other.ctx);
      const [run] =
        await world.sql`select attempt from answer_runs where message_id = ${messageId}`;
      attempt = Number(run?.attempt ?? 2);
    }
    gate.open();
    const whole = { text: "Mostly and half of the second", status: "complete" };
    for (const socket of [elsewhere, annas, bens])
      expect(await ends(socket, messageId)).toEqual(whole);
    await world.ctx.answers.find(messageId)?.done;
    expect((await messages())[1]).toMatchObject({
      content: whole.text,
      status: "complete",
      updated_seq: 3,
    });
    expect(request.aborted.aborted || world.ctx.answers.find(messageId) === undefined).toBe(true);
  });

  longTest("goes on in the same server, which shows no more of what it heard before", async () => {
    const { annas, gate, messageId, messages, request } = await running();
    while ((await messages())[1].content !== "Mostly") await Bun.sleep(20);
    const otherGate = gateway();
    world.gemini.respondWith(answer(say(" with"), otherGate.step, say(" the rest"), finish()));
    await world.sql`update answer_runs set lease_expires_at = now() - interval '1 hour' where message_id = ${messageId}`;
    const forgetful = new Proxy(world.ctx.answers, {
      get(answers, name: keyof Answers) {
        const member = answers[name];
        if (name === "runIds") return () => [];
        return typeof member === "function" ? member.bind(answers) : member;
      },
    });
    await recoverAnswers({ ...world.ctx, answers: forgetful });
    await annas.next("bot_stream", { chunk: " with" });
    gate.open();
    await whenAborted(request.aborted);
    otherGate.open();
    expect(await ends(annas, messageId)).toEqual({
      text: "Mostly with the rest",
      status: "complete",
    });
  });

  test("is left alone while that server only stands still, and not once its connection is gone, too", async () => {
    const { anna, chat, bens } = await room(world);
    const question = await anna.say(chat.id, "for the one that stands still");
    world.gemini.respondWith(answer(say(", and on"), finish()));
    const messageId = await leftBehind(world.sql, question, { leaseSeconds: 60 });
    // A process of PostgreSQL that lives, and is older than the last renewal.
    const isHeld = () => world.sql`
      update answer_runs
      set holder_pid = oldest.pid, lease_expires_at = now() + ${leaseSeconds - silenceSeconds - 0.1} * interval '1 second'
      from (select pid, backend_start from pg_stat_activity order by backend_start limit 1) oldest
      where message_id = ${messageId} and backend_start < now() - ${silenceSeconds + 0.2} * interval '1 second'
      returning id
    `;
    while ((await isHeld()).length === 0) await Bun.sleep(50);
    await recoverAnswers(other.ctx);
    const [run] = await world.sql`select attempt from answer_runs where message_id = ${messageId}`;
    expect(run?.attempt).toBe(1);
    await world.sql`update answer_runs set holder_pid = 2147483647 where message_id = ${messageId}`;
    await recoverAnswers(other.ctx);
    expect(await ends(bens, messageId)).toEqual({ text: `${soFar}, and on`, status: "complete" });
  });

  longTest(
    "is left to a server of the version before, which names no connection, until its own short lease has run out",
    async () => {
      const { anna, chat, bens } = await room(world);
      const question = await anna.say(chat.id, "for the one that is not updated yet");
      world.gemini.respondWith(answer(say(", and on"), finish()));
      const messageId = await leftBehind(world.sql, question, { leaseSeconds: 60 });
      const heldBy = (pid: number | null) => world.sql`
      update answer_runs set holder_pid = ${pid}::int, lease_expires_at = now() + ${silenceSeconds} * interval '1 second'
      where message_id = ${messageId}
    `;
      await heldBy(null);
      await recoverAnswers(other.ctx);
      const [run] =
        await world.sql`select attempt from answer_runs where message_id = ${messageId}`;
      expect(run?.attempt).toBe(1);
      // Behind a pooler a server of this version names a process that there is not.
      await heldBy(0);
      await recoverAnswers(other.ctx);
      expect(await ends(bens, messageId)).toEqual({ text: `${soFar}, and on`, status: "complete" });
    },
  );

  test("is taken over by one, however many look at once", async () => {
    const { anna, chat } = await room(world);
    const question = await anna.say(chat.id, "for the dead one");
    world.gemini.respondWith(answer(say(", and on"), finish()));
    const requests = world.gemini.requests.length;
    const messageId = await leftBehind(world.sql, question, { leaseSeconds: -1 });
    const servers = [world.ctx, other.ctx];
    await Promise.all(
      Array.from({ length: 10 }, (_, n) => recoverAnswers(servers[n % 2] ?? other.ctx)),
    );
    const [run] = await world.sql`select attempt from answer_runs where message_id = ${messageId}`;
    expect(run?.attempt ?? 2).toBe(2);
    await Promise.all(servers.map(({ answers }) => answers.find(messageId)?.done));
    const [, stored] = (await anna.api("GET", `/api/chats/${chat.id}/messages`)).body;
    expect(stored).toMatchObject({ content: `${soFar}, and on`, status: "complete" });
    expect(world.gemini.requests.length).toBe(requests + 1);
  });

  test.each([
    ["nothing", answer(finish())],
    ["only white space", answer(say(" "), say("\n"), finish())],
  ])("is complete when the model has %s to add", async (_, script) => {
    const { anna, chat, bens } = await room(world);
    const question = await anna.say(chat.id, "for the dead one");
    world.gemini.respondWith(script);
    const messageId = await leftBehind(world.sql, question, { leaseSeconds: -1 });
    expect(await ends(bens, messageId)).toEqual({ text: soFar, status: "complete" });
  });

  longTest("keeps the white space with which the model goes on", async () => {
    const { anna, chat, bens } = await room(world);
    const question = await anna.say(chat.id, "for the dead one");
    world.gemini.respondWith(answer(say("\n\n"), say("so good."), finish()));
    const messageId = await leftBehind(world.sql, question, { leaseSeconds: -1 });
    const whole = { text: `${soFar}\n\nso good.`, status: "complete" };
    expect(await ends(bens, messageId)).toEqual(whole);
  });
});

longTest(
  "what the model says once more of an answer, breaking off again, is not kept twice",
  async () => {
    const { anna, chat, bens } = await room(world);
    const question = await anna.say(chat.id, "for the dead one");
    world.gemini.respondWith(answer(say("three, four, "), cut()));
    const text = "One, two, three, four, five, six, seven.";
    const messageId = await leftBehind(world.sql, question, { leaseSeconds: -1, text });
    expect(await ends(bens, messageId)).toEqual({ text, status: "interrupted" });
  },
);

describe("through the other server", () => {
  test("a running answer is stopped, its request ends, and stopping it again is refused by both", async () => {
    const { anna, ben, annas, elsewhere, path, messageId, request } = await running();
    const { status, body } = await askOther(ben, "POST", path);
    expect(status).toBe(200);
    expect(body).toMatchObject({ id: messageId, status: "stopped", content: "Mostly" });
    await whenAborted(request.aborted);
    for (const socket of [annas, elsewhere]) {
      expect(await ends(socket, messageId)).toEqual({ text: "Mostly", status: "stopped" });
    }
    expect((await askOther(ben, "POST", path)).status).toBe(409);
    expect((await anna.api("POST", path)).status).toBe(409);
  });

  longTest("a frame stops it, and is told when it has ended", async () => {
    const { chat, elsewhere, messageId, request } = await running();
    const frame = { type: "stop", chat_id: chat.id, message_id: messageId };
    expect(await elsewhere.ask(frame)).toMatchObject({ type: "ack" });
    await whenAborted(request.aborted);
    expect(await elsewhere.ask(frame)).toMatchObject({ type: "error", code: "answer_ended" });
    expect((await ends(elsewhere, messageId)).status).toBe("stopped");
  });

  longTest("its chat is deleted, and what it had reserved is given back", async () => {
    const { anna, chat, annas, messageId, request } = await running();
    expect((await askOther(anna, "DELETE", `/api/chats/${chat.id}`)).status).toBe(200);
    await whenAborted(request.aborted);
    await world.ctx.answers.find(messageId)?.done;
    // Rows of the chat are removed in the background.
    await untilSettled();
    expect(annas.frames.filter((frame) => frame.is_complete)).toEqual([]);
  });
});

test("what was reserved for a question that was never stored is given back", async () => {
  const { anna, chat } = await room(world);
  const limits = { userTokens: 0, chatTokens: 0, userAnswers: 0, chatAnswers: 0 };
  await insertRun(world.sql, {
    chatId: chat.id,
    userId: anna.id,
    tokensMin: 1,
    tokensWanted: 1_000,
    limits,
    leaseSeconds: 60,
  });
  expect((await unsettled(world.sql)).map(({ length }) => length)).toEqual([0, 1, 2]);
  await world.sql`update answer_runs set lease_expires_at = now()`;
  await recoverAnswers(other.ctx);
  // The recurring recovery of a server may have begun to give it back before.
  await untilSettled();
});
