// Deleted answers, and deleted questions with their answers.
import { describe, expect, test } from "bun:test";
import { findEnded } from "../../src/log/replay.ts";
import { answer, answerAndHang, finish, say } from "../world/gemini/script.ts";
import { useWorld, type Person } from "../world/world.ts";
import { whenAborted } from "../answers/asking.ts";
import { answerEnds, lastRequest, room } from "../answers/room.ts";
import { expectProblem, time } from "../http/refusals.ts";
import { auditedDeletions, lastSeqOf, pathOf } from "./one-message.ts";

const world = useWorld();

/** A room in which ben's question was answered. */
async function withAnswer() {
  const here = await room(world);
  world.gemini.respondWith(answer(say("Yes."), finish()));
  const question = await here.ben.say(here.chat.id, "/bot well?");
  const { messageId } = await answerEnds(here.annas);
  return { ...here, question, messageId };
}

async function deleted(person: Person, path: string) {
  const { status, body } = await person.api("DELETE", path);
  expect(status).toBe(200);
  return body;
}

describe("an answer", () => {
  test("is deleted by who asked and by the owner, and its question stays", async () => {
    for (const who of ["ben", "anna"] as const) {
      const here = await withAnswer();
      const { chat, question, messageId } = here;
      const cat = await world.person("cat");
      await here.anna.api("POST", `/api/chats/${chat.id}/invite`, { username: cat.username });
      const path = pathOf(chat.id, messageId);
      expectProblem(await cat.api("DELETE", path), 403, "forbidden");
      expect(await deleted(here[who], path)).toMatchObject({
        is_bot: true,
        content: "",
        status: "complete",
        answer_to: question.id,
        deleted_at: time,
      });
      expect((await here.messages())[0]).toEqual(question);
      const events = await auditedDeletions(world, chat.id);
      expect(events.map(({ outcome }) => String(outcome))).toEqual(
        who === "anna" ? ["forbidden", "ok"] : ["forbidden"],
      );
      const context = await here.ben.api("GET", `${path}/context`);
      expect(context.body).toMatchObject({ messages: [{ id: question.id, changed: false }] });
    }
  });

  test("that is running is stopped first, and not by somebody who may not delete it", async () => {
    const { chat, anna, ben, annas, messages } = await room(world);
    const cat = await world.person("cat");
    await anna.api("POST", `/api/chats/${chat.id}/invite`, { username: cat.username });
    world.gemini.respondWith(answerAndHang(say("On and on")));
    await ben.say(chat.id, "/bot for ever?");
    const { message_id: id } = await annas.next("bot_stream", { chunk: "On and on" });
    const { aborted } = lastRequest(world);
    expectProblem(await cat.api("DELETE", pathOf(chat.id, id)), 403, "forbidden");
    expect(aborted.aborted).toBe(false);
    expect(await deleted(ben, pathOf(chat.id, id))).toMatchObject({
      status: "stopped",
      content: "",
      error: null,
      deleted_at: time,
    });
    await whenAborted(aborted);
    expect((await answerEnds(annas)).last).toMatchObject({ status: "stopped", updated_seq: 4 });
    expect(await annas.next("message_updated")).toMatchObject({ message_id: id, updated_seq: 5 });
    expect((await messages())[1]).toMatchObject({ content: "", status: "stopped" });
    expect(world.ctx.answers.find(Number(id))).toBeUndefined();
  });

  test("that ends while the deletion waits for the chat is deleted", async () => {
    const { chat, anna, annas } = await room(world);
    world.gemini.respondWith(answerAndHang(say("On and on")));
    await anna.say(chat.id, "/bot for ever?");
    const { message_id: id } = await annas.next("bot_stream", { chunk: "On and on" });
    const path = pathOf(chat.id, Number(id));
    const [stopped, reply] = await world.whileLocked(chat.id, 2, async () => {
      const stopping = anna.api("POST", `${path}/stop`);
      await world.untilBlocked();
      return await Promise.all([stopping, anna.api("DELETE", path)]);
    });
    expect(stopped.status).toBe(200);
    expect([reply.status, reply.body]).toMatchObject([
      200,
      { status: "stopped", content: "", deleted_at: time },
    ]);
  });

  test("has ended at the number of its end, also after it was deleted", async () => {
    const { chat, ben, messageId } = await withAnswer();
    const end = await lastSeqOf(world, chat.id);
    await deleted(ben, pathOf(chat.id, messageId));
    expect(await findEnded(world.sql, [messageId], end)).toEqual([messageId]);
    expect(await findEnded(world.sql, [messageId], end - 1)).toEqual([]);
  });
});

describe("a deleted question", () => {
  test("keeps its answer, and is not asked again", async () => {
    const { chat, anna, ben, question, messageId, messages } = await withAnswer();
    await deleted(ben, pathOf(chat.id, question.id));
    expect((await messages())[1]).toMatchObject({ content: "Yes.", deleted_at: null });
    const asked = world.gemini.requests.length;
    for (const id of [question.id, messageId]) {
      const refused = await anna.api("POST", `${pathOf(chat.id, id)}/regenerate`);
      expectProblem(refused, 409, "message_deleted");
    }
    expect(world.gemini.requests).toHaveLength(asked);
    const context = await ben.api("GET", `${pathOf(chat.id, messageId)}/context`);
    expect(context.body).toMatchObject({ changed: true, messages: [{ changed: true }] });
  });

  test("that is deleted while it is asked again is not answered", async () => {
    const { chat, anna, ben, question } = await withAnswer();
    const again = `${pathOf(chat.id, question.id)}/regenerate`;
    const [reply] = await world.whileLocked(chat.id, 2, async () => {
      const deleting = ben.api("DELETE", pathOf(chat.id, question.id));
      await world.untilBlocked();
      return await Promise.all([anna.api("POST", again), deleting]);
    });
    expectProblem(reply, 409, "message_deleted");
    expect(world.ctx.answers.inChat(chat.id, Infinity)).toEqual([]);
    const [budget] = await world.sql`
      select running, reserved_tokens from budgets where kind = 'chat' and id = ${chat.id}
    `;
    expect(budget).toEqual({ running: 0, reserved_tokens: 0 });
  });

  test("lets its running answer go on to its end", async () => {
    const { chat, ben, annas } = await room(world);
    world.gemini.respondWith(answerAndHang(say("So far")));
    const question = await ben.say(chat.id, "/bot well?");
    const { message_id: id } = await annas.next("bot_stream", { chunk: "So far" });
    await deleted(ben, pathOf(chat.id, question.id));
    expect((await ben.api("GET", pathOf(chat.id, id))).body).toMatchObject({ status: "streaming" });
    await ben.api("POST", `${pathOf(chat.id, id)}/stop`);
    expect(await answerEnds(annas)).toMatchObject({ text: "So far", last: { status: "stopped" } });
  });

  test("ends its answer as interrupted when no server has the question any more", async () => {
    const { chat, anna, ben, annas, messages } = await room(world);
    world.gemini.respondWith(answerAndHang(say("So far")));
    const question = await ben.say(chat.id, "/bot well?");
    await annas.next("bot_stream", { chunk: "So far" });
    await deleted(ben, pathOf(chat.id, question.id));
    const asked = world.gemini.requests.length;
    await world.restart();
    const again = await anna.joined(chat.id);
    const ended = (await messages())[1].status !== "streaming";
    if (!ended) await again.next("bot_stream", { is_complete: true });
    expect((await messages())[1]).toMatchObject({ status: "interrupted", content: "So far" });
    expect(world.gemini.requests).toHaveLength(asked);
  });
});
