// The context from which an answer was made can be read, while it runs and after whatever end.
import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { answer, answerAndHang, finish, refuse, say } from "../world/gemini/script.ts";
import { AnswerContext } from "../../src/wire/answers.ts";
import { defaultSettings, useWorld, type Person } from "../world/world.ts";
import { askAndSummarise, finishAt } from "./budget/settlement.ts";
import { until } from "../world/embedded.ts";
import { answerEnds, room } from "./room.ts";

setDefaultTimeout(20_000);

const world = useWorld({ env: { GEMINI_CONTEXT_TOKENS: "300" } });

function read(from: Person, chatId: number, messageId: unknown) {
  return from.api("GET", `/api/chats/${chatId}/messages/${String(messageId)}/context`);
}

async function receipt(from: Person, chatId: number, messageId: unknown) {
  const { status, body } = await read(from, chatId, messageId);
  expect(status).toBe(200);
  return AnswerContext.strict().parse(body);
}

/** Raises a message's number, as changes do that leave its text alone. */
async function touch(chatId: number, messageId: number) {
  await world.sql`
    with chat as (update chats set last_seq = last_seq + 1 where id = ${chatId} returning last_seq)
    update messages set updated_seq = chat.last_seq from chat where id = ${messageId}
  `;
}

describe("the receipt of an answer", () => {
  test("names messages with their versions, model, settings, tokens and times", async () => {
    const { chat, anna, ben, annas } = await room(world);
    const settings = { ...defaultSettings, persona: "A cook.", temperature: 0.5 };
    await anna.api("PATCH", `/api/chats/${chat.id}`, { settings });
    const before = await anna.say(chat.id, "We cook.");
    world.gemini.respondWith(answer(say("Soup."), finish()));
    const first = await anna.say(chat.id, "/bot what?");
    const { messageId: firstAnswer, last } = await answerEnds(annas);
    world.gemini.respondWith(answer(say("Hot."), finishAt(120, 3)));
    const question = await ben.say(chat.id, "/bot how?");
    const { messageId } = await answerEnds(annas);
    await anna.say(chat.id, "written later");
    expect(await receipt(anna, chat.id, messageId)).toEqual({
      message_id: messageId,
      question_id: question.id,
      model: "gemini-2.5-flash",
      settings,
      messages: [
        { id: before.id, updated_seq: before.seq, changed: false },
        { id: first.id, updated_seq: first.seq, changed: false },
        { id: firstAnswer, updated_seq: last.updated_seq, changed: false },
        { id: question.id, updated_seq: question.seq, changed: false },
      ],
      files: [],
      summary: null,
      usage: {
        prompt_tokens: 120,
        answer_tokens: 3,
        thoughts_tokens: 0,
        cached_tokens: 0,
        total_tokens: 123,
      },
      first_chunk_ms: expect.any(Number),
      total_ms: expect.any(Number),
      changed: false,
    });
    const { first_chunk_ms: firstMs, total_ms: totalMs } = await receipt(ben, chat.id, messageId);
    expect(firstMs).toBeLessThanOrEqual(totalMs ?? 0);

    for (const id of [before.id, firstAnswer]) await touch(chat.id, Number(id));
    expect((await receipt(anna, chat.id, messageId)).changed).toBe(false);
    await anna.api("PATCH", `/api/chats/${chat.id}/messages/${before.id}`, {
      content: "We bake.",
    });
    const edited = await receipt(anna, chat.id, messageId);
    expect(edited.changed).toBe(true);
    expect(edited.messages.map(({ changed }) => changed)).toEqual([true, false, false, false]);
    expect(edited.messages[0]).toMatchObject({ updated_seq: before.seq });
    await anna.api("DELETE", `/api/chats/${chat.id}/messages/${firstAnswer}`);
    const removed = await receipt(anna, chat.id, messageId);
    expect(removed.messages.map(({ changed }) => changed)).toEqual([true, false, true, false]);
    // The receipt keeps the settings of that time; later changes do not reach it.
    await anna.api("PATCH", `/api/chats/${chat.id}`, { settings: { persona: null } });
    expect((await receipt(anna, chat.id, messageId)).settings).toEqual(settings);
  });

  test("is there while it runs, and when it was stopped", async () => {
    const { chat, anna, annas } = await room(world);
    world.gemini.respondWith(answerAndHang(say("Ye")));
    const question = await anna.say(chat.id, "/bot well?");
    const { message_id: id } = await annas.next("bot_stream", { chunk: "Ye" });
    // It is stored while the model is asked, which may answer before.
    await until(async () => (await read(anna, chat.id, id)).status === 200);
    const running = await receipt(anna, chat.id, id);
    expect(running).toMatchObject({
      messages: [{ id: question.id, changed: false }],
      usage: null,
      total_ms: null,
    });
    await anna.api("POST", `/api/chats/${chat.id}/messages/${String(id)}/stop`);
    const stopped = await receipt(anna, chat.id, id);
    expect(stopped).toEqual({
      ...running,
      first_chunk_ms: expect.any(Number),
      total_ms: expect.any(Number),
    });
  });

  test.each([
    { how: "broke off", script: answer(say("Ye")), firstMs: expect.any(Number) },
    { how: "was refused", script: refuse(400), firstMs: null },
  ])("is there when it $how", async ({ script, firstMs }) => {
    const { chat, anna, annas } = await room(world);
    world.gemini.respondWith(script);
    const question = await anna.say(chat.id, "/bot well?");
    const { messageId } = await answerEnds(annas);
    expect(await receipt(anna, chat.id, messageId)).toMatchObject({
      messages: [{ id: question.id }],
      first_chunk_ms: firstMs,
      total_ms: expect.any(Number),
      usage: null,
      changed: false,
    });
  });

  test("tells a summary's reach, and that it has gone", async () => {
    const { chat, anna } = await room(world);
    for (let n = 1; n <= 8; n += 1) await anna.say(chat.id, `fact ${n} ${"x".repeat(80)}`);
    world.gemini.respondWith(answer(say("Yes."), finish()), answer(say("Facts."), finish()));
    await askAndSummarise(world, anna, chat.id, "/bot one?");
    for (let n = 9; n <= 12; n += 1) await anna.say(chat.id, `fact ${n} ${"x".repeat(80)}`);
    world.gemini.respondWith(answer(say("Yes."), finish()), refuse(400));
    const question = await askAndSummarise(world, anna, chat.id, "/bot two?");
    const [row] = await world.sql`select up_to_seq from chat_summaries where chat_id = ${chat.id}`;
    const kept = await receipt(anna, chat.id, question.id + 1);
    expect(kept).toMatchObject({
      summary: { up_to_seq: row?.up_to_seq, changed: false },
      changed: false,
    });
    await world.sql`update messages set content = 'other' where chat_id = ${chat.id} and seq = 1`;
    expect(await receipt(anna, chat.id, question.id + 1)).toEqual({
      ...kept,
      summary: { up_to_seq: Number(row?.up_to_seq), changed: true },
      changed: true,
    });
  });
});

test("there is no receipt for a stranger, of a person's message, of what is no message, or of help", async () => {
  const { chat, anna, ben, annas } = await room(world);
  const stranger = await world.person("stranger");
  world.gemini.respondWith(answer(say("Yes."), finish()));
  const question = await anna.say(chat.id, "/bot well?");
  const { messageId } = await answerEnds(annas);
  await anna.say(chat.id, "/bot help");
  const { messageId: help } = await answerEnds(annas);
  const other = await anna.chat();
  for (const refused of [
    await read(stranger, chat.id, messageId),
    await read(anna, chat.id, question.id),
    await read(anna, chat.id, 987_654),
    await read(anna, chat.id, help),
    await read(anna, other.id, messageId),
    await read(anna, 987_654, messageId),
  ]) {
    expect(refused.status).toBe(404);
    expect(refused.body.type).toBe("/problems/not_found");
  }
  expect((await read(anna, chat.id, "first")).status).toBe(422);
  expect((await read(ben, chat.id, messageId)).status).toBe(200);
  await anna.api("DELETE", `/api/chats/${chat.id}/participants/${ben.id}`);
  expect((await read(ben, chat.id, messageId)).status).toBe(404);
});
