import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { recoverAnswers } from "../../src/answers/recovery.ts";
import { answer, answerAndHang, finish, refuse, say } from "../world/gemini/script.ts";
import { sendMessage } from "../../src/messages/send.ts";
import { useWorld } from "../world/world.ts";
import { gateway, whenAborted } from "./asking.ts";
import { leftBehind } from "./left-behind.ts";
import { answerEnds, lastRequest, room } from "./room.ts";

// Some wait for what happens once a second, and for a busy machine.
setDefaultTimeout(20_000);

const world = useWorld();

/** A room in which an answer has begun and goes no further. */
async function halfAnswered() {
  const here = await room(world);
  world.gemini.respondWith(answerAndHang(say("Half an answer")));
  const question = await here.anna.say(here.chat.id, "/bot well?");
  const { message_id: messageId } = await here.annas.next("bot_stream", {
    chunk: "Half an answer",
  });
  return { ...here, question, messageId: Number(messageId), request: lastRequest(world) };
}

async function untilEnded(messages: () => Promise<{ status: string }[]>) {
  while ((await messages()).some(({ status }) => status === "streaming"));
}

describe("a chat that is deleted in the middle of an answer", () => {
  test("ends the request to the model and shows no more of it, and the others go on", async () => {
    const { chat, anna, annas, bens, messageId, request } = await halfAnswered();
    const other = await halfAnswered();
    const reply = world.ctx.answers.find(messageId);
    expect((await anna.api("DELETE", `/api/chats/${chat.id}`)).status).toBe(200);
    await whenAborted(request.aborted);
    await reply?.done;
    for (const socket of [annas, bens]) {
      await socket.next("chat_deleted", { chat_id: chat.id });
      await socket.settle();
      expect(socket.frames.filter((frame) => frame.is_complete)).toEqual([]);
    }
    expect(other.request.aborted.aborted).toBe(false);
    const { body } = await other.anna.api(
      "POST",
      `/api/chats/${other.chat.id}/messages/${other.messageId}/stop`,
    );
    expect(body).toMatchObject({ status: "stopped", content: "Half an answer" });
  });
});

describe("a server that goes down in order", () => {
  test("hands a running answer over, whose next server goes on from its last character", async () => {
    const { chat, anna, annas, bens, messages, messageId, request } = await halfAnswered();
    world.gemini.respondWith(answer(say(" becomes a"), say(" whole one."), finish()));
    await world.restart();
    for (const socket of [annas, bens]) {
      const { code, reason } = await socket.closed;
      expect([code, reason]).toEqual([1012, expect.stringMatching(/^restart/)]);
      expect(socket.frames.filter((frame) => frame.is_complete)).toEqual([]);
    }
    await whenAborted(request.aborted);
    await untilEnded(messages);
    const whole = "Half an answer becomes a whole one.";
    expect((await messages())[1]).toMatchObject({
      status: "complete",
      content: whole,
      updated_seq: 3,
    });
    const continued = lastRequest(world).body.contents;
    expect(continued.at(-2)).toMatchObject({ role: "model", parts: [{ text: "Half an answer" }] });
    expect(continued.at(-1)?.parts[0]?.text).toContain("from exactly there");

    const back = await anna.joined(chat.id, 2);
    expect(back.ofType("message")).toMatchObject([
      { message_id: messageId, status: "complete", content: whole, updated_seq: 3 },
    ]);
  });

  test("leaves the answer of a question that was being stored at that moment to the next", async () => {
    const { chat, anna, messages } = await room(world);
    const held = await world.sql.reserve();
    await held`begin`;
    await held`select id from chats where id = ${chat.id} for update`;
    const caller = { ...anna, expiresAtMs: Infinity };
    const asking = sendMessage(world.ctx, caller, chat.id, { content: "/bot in time?" });
    await world.untilBlocked();
    const restarting = world.restart();
    world.gemini.respondWith(answer(say("Just."), finish()));
    await held`commit`;
    held.release();
    const question = await asking;
    await restarting;
    await untilEnded(messages);
    expect(await messages()).toMatchObject([
      { id: question.id, status: "complete" },
      { answer_to: question.id, status: "complete", content: "Just.", updated_seq: 3 },
    ]);
  });
});

describe("an answer of a server that died", () => {
  test("goes on for those who read along, who are first shown what was kept, and for the log", async () => {
    const { chat, anna, ben, bens, messages } = await room(world);
    const question = await anna.say(chat.id, "for the dead one");
    world.gemini.respondWith(answer(say(" and so on"), finish()));
    const messageId = await leftBehind(world.sql, question, { leaseSeconds: -1 });
    await recoverAnswers(world.ctx);
    await recoverAnswers(world.ctx);
    const shown = await answerEnds(bens, messageId);
    expect(shown.chunks[0]).toMatchObject({ offset: 0, chunk: "So far" });
    expect(shown).toMatchObject({
      text: "So far and so on",
      first: { seq: 2 },
      last: { status: "complete", updated_seq: 3 },
    });
    expect(bens.frames.filter((frame) => frame.is_complete)).toHaveLength(1);
    expect((await messages())[1]).toMatchObject({
      status: "complete",
      content: "So far and so on",
      updated_seq: 3,
    });
    const next = await ben.say(chat.id, "on we go");
    expect(next.seq).toBe(4);
  });

  test("ends as interrupted where the model does not go on, its text kept", async () => {
    const { chat, anna, bens, messages } = await room(world);
    const question = await anna.say(chat.id, "for the dead one");
    world.gemini.respondWith(refuse(400));
    const messageId = await leftBehind(world.sql, question, { leaseSeconds: -1 });
    await recoverAnswers(world.ctx);
    expect(await answerEnds(bens, messageId)).toMatchObject({
      text: "So far",
      last: { status: "interrupted", error: expect.stringMatching(/broke off/) },
    });
    expect((await messages())[1]).toMatchObject({ status: "interrupted", content: "So far" });
  });

  test("ends as interrupted when it has taken server after server with it", async () => {
    const { chat, anna, bens } = await room(world);
    const question = await anna.say(chat.id, "for the dead ones");
    const messageId = await leftBehind(world.sql, question, { leaseSeconds: 60 });
    await world.sql`
      update answer_runs set attempt = 5, lease_expires_at = now() where message_id = ${messageId}
    `;
    const requests = world.gemini.requests.length;
    await recoverAnswers(world.ctx);
    const last = await bens.next("bot_stream", { is_complete: true, message_id: messageId });
    expect(last).toMatchObject({ status: "interrupted", full_response: "So far" });
    expect(world.gemini.requests.length).toBe(requests);
  });

  test("is left alone while its server may be alive", async () => {
    const { chat, anna, annas, messages } = await room(world);
    const question = await anna.say(chat.id, "for another one");
    await leftBehind(world.sql, question, { leaseSeconds: 60 });
    await recoverAnswers(world.ctx);
    await annas.settle();
    expect(annas.ofType("bot_stream")).toEqual([]);
    expect((await messages())[1]).toMatchObject({ status: "streaming" });
  });

  test("is stopped by who takes it over, when that was asked for", async () => {
    const { chat, anna, ben, bens } = await room(world);
    const question = await anna.say(chat.id, "for another one");
    const messageId = await leftBehind(world.sql, question, { leaseSeconds: 60 });
    const requests = world.gemini.requests.length;
    const path = `/api/chats/${chat.id}/messages/${messageId}/stop`;
    const stopping = ben.api("POST", path);
    for (let asked = false; !asked;) {
      const [row] = await world.sql`
        update answer_runs set lease_expires_at = now() where message_id = ${messageId} and stop_requested returning id
      `;
      asked = row !== undefined;
    }
    expect((await stopping).body).toMatchObject({ status: "stopped", content: "So far" });
    const last = await bens.next("bot_stream", { is_complete: true });
    expect(last).toMatchObject({ status: "stopped", full_response: "So far", updated_seq: 3 });
    expect((await ben.api("POST", path)).status).toBe(409);
    expect(world.gemini.requests.length).toBe(requests);
  });
});

test("an answer that still runs here is not swept, however old its lease", async () => {
  const { chat, anna, annas } = await room(world);
  const gate = gateway();
  world.gemini.respondWith(answer(say("Slow "), gate.step, say("but sure"), finish()));
  await anna.say(chat.id, "/bot take your time");
  const { message_id: messageId } = await annas.next("bot_stream", { chunk: "Slow " });
  await world.sql`
    update answer_runs set lease_expires_at = now() - interval '1 hour' where message_id = ${Number(messageId)}
  `;
  await recoverAnswers(world.ctx);
  gate.open();
  expect(await answerEnds(annas)).toMatchObject({
    text: "Slow but sure",
    last: { status: "complete", updated_seq: 3 },
  });
});

test("an answer that another server has taken over is not asked for any longer, and its text stays", async () => {
  const { annas, messageId, messages, request } = await halfAnswered();
  await world.sql`
    with taken as (
      update answer_runs set attempt = attempt + 1, lease_expires_at = now() + interval '60 seconds'
      where message_id = ${messageId}
    )
    update messages set content = 'Theirs' where id = ${messageId}
  `;
  await whenAborted(request.aborted);
  await world.ctx.answers.find(messageId)?.done;
  await annas.settle();
  expect(annas.frames.filter((frame) => frame.is_complete)).toEqual([]);
  expect((await messages())[1]).toMatchObject({ status: "streaming", content: "Theirs" });
});
