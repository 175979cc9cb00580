import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { sweepAbandonedAnswers } from "../../src/bot/actions.ts";
import { endAnswer } from "../../src/bot/queries.ts";
import { answer, answerAndHang, finish, say } from "../../src/emulator/script.ts";
import { sendMessage } from "../../src/messages/actions.ts";
import { startWorld, type World } from "../world/world.ts";
import { gateway, whenAborted } from "./asking.ts";
import { answerEnds, lastRequest, room, shownAnswer } from "./room.ts";

// Some wait for what happens once a second, and for a busy machine.
setDefaultTimeout(20_000);

let world: World;
beforeAll(async () => {
  world = await startWorld();
});
afterAll(() => world.stop());

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

describe("a chat that is deleted in the middle of an answer", () => {
  test("ends the request to the model and shows no more of it, and the others go on", async () => {
    const { chat, anna, annas, bens, messageId, request } = await halfAnswered();
    const other = await halfAnswered();
    const reply = world.ctx.replies.find(messageId);
    expect((await anna.api("DELETE", `/api/chats/${chat.id}`)).status).toBe(200);
    expect(reply?.abort.signal.aborted).toBe(true);
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
  test("keeps the text of a running answer, ends it once, and says goodbye with 1012", async () => {
    const { chat, anna, annas, bens, messages, messageId, request } = await halfAnswered();
    await world.restart();
    for (const socket of [annas, bens]) {
      const { code, reason } = await socket.closed;
      expect([code, reason]).toEqual([1012, expect.stringMatching(/^restart/)]);
      expect(shownAnswer(socket, messageId)).toMatchObject({
        text: "Half an answer",
        last: { status: "interrupted", updated_seq: 3, error: expect.stringMatching(/restarted/) },
      });
    }
    await whenAborted(request.aborted);
    const [, stored] = await messages();
    expect(stored).toMatchObject({ status: "interrupted", content: "Half an answer" });

    const back = await anna.joined(chat.id, 2);
    expect(back.ofType("message")).toMatchObject([
      { message_id: messageId, status: "interrupted", content: "Half an answer", updated_seq: 3 },
    ]);
    world.gemini.respondWith(answer(say("Whole."), finish()));
    await anna.say(chat.id, "/bot again?");
    const shown = await answerEnds(back);
    expect(shown).toMatchObject({ text: "Whole.", first: { seq: 5 }, last: { updated_seq: 6 } });
    expect(back.frames.filter((frame) => frame.is_complete)).toHaveLength(1);
  });

  test("ends the answer of a question that was being stored at that moment", async () => {
    const { chat, anna, messages } = await room(world);
    const held = await world.sql.reserve();
    await held`begin`;
    await held`select id from chats where id = ${chat.id} for update`;
    const caller = { ...anna, expiresAtMs: Infinity };
    const asking = sendMessage(world.ctx, caller, chat.id, { content: "/bot in time?" });
    const requests = world.gemini.requests.length;
    const restarting = world.restart();
    await held`commit`;
    held.release();
    const question = await asking;
    await restarting;
    expect(await messages()).toMatchObject([
      { id: question.id, status: "complete" },
      { answer_to: question.id, status: "interrupted", content: "", updated_seq: 3 },
    ]);
    expect(world.gemini.requests.length).toBe(requests);
  });
});

describe("an answer of a server that died", () => {
  /** As a dead server leaves it behind. @returns its id */
  async function leftBehind(chatId: number, questionId: number, leaseSeconds: number) {
    const [row] = await world.sql`
      with answer as (
        insert into messages
          (chat_id, content, is_bot, seq, updated_seq, ordinal, status, answer_to, lease_expires_at)
        select id, 'So far', true, last_seq + 1, last_seq + 1, message_count + 1, 'streaming',
          ${questionId}, now() + ${leaseSeconds} * interval '1 second'
        from chats where id = ${chatId}
        returning id
      )
      update chats set last_seq = last_seq + 1, message_count = message_count + 1
      from answer where chats.id = ${chatId}
      returning answer.id
    `;
    return Number(row?.id);
  }

  test("is ended as interrupted, once, for those who read along and for the log", async () => {
    const { chat, anna, ben, bens, messages } = await room(world);
    const question = await anna.say(chat.id, "for the dead one");
    const messageId = await leftBehind(chat.id, question.id, -1);
    const late = await anna.joined(chat.id);
    await sweepAbandonedAnswers(world.ctx);
    await sweepAbandonedAnswers(world.ctx);

    for (const socket of [late, bens]) {
      const last = await socket.next("bot_stream", { is_complete: true });
      expect(last).toMatchObject({
        message_id: messageId,
        full_response: "So far",
        status: "interrupted",
        updated_seq: 3,
        error: expect.stringMatching(/stopped before/),
      });
      await socket.settle();
      expect(socket.frames.filter((frame) => frame.is_complete)).toHaveLength(1);
    }
    // Who had joined before is shown the number that was missed as well.
    expect(bens.ofType("bot_stream")[0]).toMatchObject({ message_id: messageId, seq: 2 });
    const stored = (await messages())[1];
    expect(stored).toMatchObject({ status: "interrupted", content: "So far", updated_seq: 3 });
    const next = await ben.say(chat.id, "on we go");
    expect(next.seq).toBe(4);
  });

  test("is left alone while its server may be alive", async () => {
    const { chat, anna, annas, messages } = await room(world);
    const question = await anna.say(chat.id, "for another one");
    const messageId = await leftBehind(chat.id, question.id, 60);
    await sweepAbandonedAnswers(world.ctx);
    // Also when the lease was renewed after the sweep had looked.
    const interrupted = { content: undefined, usage: undefined, error: undefined };
    expect(
      await endAnswer(world.sql, messageId, {
        ...interrupted,
        status: "interrupted",
        onlyIfAbandoned: true,
      }),
    ).toBeUndefined();
    await annas.settle();
    expect(annas.ofType("bot_stream")).toEqual([]);
    expect((await messages())[1]).toMatchObject({ status: "streaming" });
  });

  test("can be stopped on a server that does not run it", async () => {
    const { chat, anna, ben } = await room(world);
    const question = await anna.say(chat.id, "for another one");
    const messageId = await leftBehind(chat.id, question.id, 60);
    const late = await anna.joined(chat.id);
    const path = `/api/chats/${chat.id}/messages/${messageId}/stop`;
    expect((await ben.api("POST", path)).body).toMatchObject({ status: "stopped", updated_seq: 3 });
    const last = await late.next("bot_stream", { is_complete: true });
    expect(last).toMatchObject({ status: "stopped", full_response: "So far" });
    expect((await ben.api("POST", path)).status).toBe(409);
  });
});

test("an answer that still runs here is not swept, however old its lease", async () => {
  const { chat, anna, annas } = await room(world);
  const gate = gateway();
  world.gemini.respondWith(answer(say("Slow "), gate.step, say("but sure"), finish()));
  await anna.say(chat.id, "/bot take your time");
  const { message_id: messageId } = await annas.next("bot_stream", { chunk: "Slow " });
  await world.sql`
    update messages set lease_expires_at = now() - interval '1 hour' where id = ${Number(messageId)}
  `;
  await sweepAbandonedAnswers(world.ctx);
  gate.open();
  expect(await answerEnds(annas)).toMatchObject({
    text: "Slow but sure",
    last: { status: "complete", updated_seq: 3 },
  });
});

test("an answer that another server has ended is not asked for any longer, and ends once", async () => {
  const { annas, messageId, messages, request } = await halfAnswered();
  await endAnswer(world.sql, messageId, {
    content: "Half an answer",
    status: "stopped",
    usage: undefined,
    error: undefined,
    onlyIfAbandoned: false,
  });
  await whenAborted(request.aborted);
  const shown = await answerEnds(annas);
  expect(shown).toMatchObject({ text: "Half an answer", last: { status: "stopped" } });
  expect((await messages())[1]).toMatchObject({ status: "stopped", updated_seq: 3 });
});
