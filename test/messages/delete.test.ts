// Deleted messages: who may delete them, what stays, and what no longer shows their text.
import { describe, expect, test } from "bun:test";
import { findEnded } from "../../src/log/replay.ts";
import { answer, answerAndHang, finish, say } from "../world/gemini/script.ts";
import { useWorld, type Person } from "../world/world.ts";
import { whenAborted } from "../answers/asking.ts";
import { answerEnds, lastRequest, room } from "../answers/room.ts";
import { expectProblem, time } from "../http/refusals.ts";

const world = useWorld();

const pathOf = (chatId: number, messageId: unknown) =>
  `/api/chats/${chatId}/messages/${String(messageId)}`;

/** A room in which ben has said something; anna owns it, and cat is a member. */
async function withMessage(content = "Oops") {
  const here = await room(world);
  const cat = await world.person("cat");
  await here.anna.api("POST", `/api/chats/${here.chat.id}/invite`, { username: cat.username });
  const message = await here.ben.say(here.chat.id, content, "first");
  return { ...here, cat, message, path: pathOf(here.chat.id, message.id) };
}

/** A room in which ben's question was answered. */
async function withAnswer() {
  const here = await room(world);
  world.gemini.respondWith(answer(say("Yes."), finish()));
  const question = await here.ben.say(here.chat.id, "/bot well?");
  const { messageId } = await answerEnds(here.annas);
  return { ...here, question, messageId };
}

async function lastSeq(chatId: number): Promise<number> {
  const [row] = await world.sql`select last_seq from chats where id = ${chatId}`;
  return Number(row?.last_seq);
}

async function deleted(person: Person, path: string) {
  const { status, body } = await person.api("DELETE", path);
  expect(status).toBe(200);
  return body;
}

async function audited(chatId: number) {
  const rows = await world.sql`
    select actor_id, outcome, details from audit_events
    where action = 'delete_message' and target = ${`chat:${chatId}`} order by id
  `;
  return Array.from(rows);
}

describe("a message that its author deletes", () => {
  test("keeps its number and its author, has no text, and everybody in the room is told", async () => {
    const { chat, anna, ben, annas, bens, message, path } = await withMessage();
    await ben.api("PATCH", path, { content: "Oops!" });
    const body = await deleted(ben, path);
    expect(body).toEqual({
      ...message,
      content: "",
      updated_seq: message.seq + 2,
      deleted_at: time,
    });
    const { id, ...members } = body;
    for (const socket of [annas, bens]) {
      await socket.next("message_updated", { content: "Oops!" });
      expect(await socket.next("message_updated")).toEqual({
        type: "message_updated",
        message_id: id,
        ...members,
      });
    }
    expect((await anna.api("GET", path)).body).toEqual(body);
    expect((await anna.api("GET", `/api/chats/${chat.id}/messages`)).body).toEqual([body]);
    expect((await anna.api("GET", `${path}/versions`)).body).toEqual([]);
    expect(await audited(chat.id)).toEqual([]);
  });

  test("can be deleted once more, by a frame, too, without a number", async () => {
    const { chat, anna, ben, annas, message, path } = await withMessage();
    const frame = { type: "delete", chat_id: chat.id, message_id: message.id };
    expect(await (await ben.socket()).ask(frame)).toEqual({
      type: "ack",
      request_id: expect.any(String),
      message_id: message.id,
      seq: message.seq,
      updated_seq: message.seq + 1,
    });
    const [again, owners] = [await deleted(ben, path), await deleted(anna, path)];
    expect(again).toMatchObject({ updated_seq: message.seq + 1, content: "" });
    expect(owners).toEqual(again);
    await annas.settle();
    expect(annas.ofType("message_updated")).toHaveLength(1);
    expect(await lastSeq(chat.id)).toBe(message.seq + 1);
  });

  test("is deleted once by two requests at the same time", async () => {
    const { chat, anna, ben, message, path } = await withMessage();
    const replies = await world.whileLocked(chat.id, 2, () =>
      Promise.all([ben.api("DELETE", path), anna.api("DELETE", path)]),
    );
    expect(replies.map(({ status }) => status)).toEqual([200, 200]);
    expect(replies[0]?.body).toEqual(replies[1]?.body);
    expect(await lastSeq(chat.id)).toBe(message.seq + 1);
  });

  test("has no text left when it is edited at the same time, whichever comes first", async () => {
    const { chat, ben, message, path } = await withMessage("the first text");
    const [edited] = await world.whileLocked(chat.id, 2, async () =>
      Promise.all([
        ben.api("PATCH", path, { content: "the second text" }),
        world.untilBlocked().then(() => ben.api("DELETE", path)),
      ]),
    );
    expect([200, 404]).toContain(edited.status);
    expect((await ben.api("GET", path)).body).toMatchObject({ content: "", deleted_at: time });
    const kept = await world.sql`select from message_versions where message_id = ${message.id}`;
    expect(kept).toHaveLength(0);
  });
});

describe("deleting", () => {
  test("another person's message is for the chat's owner, and leaves an audit event", async () => {
    const { chat, anna, ben, cat, message, path } = await withMessage();
    const stranger = await world.person("stranger");
    expectProblem(await cat.api("DELETE", path), 403, "forbidden");
    expectProblem(await stranger.api("DELETE", path), 404, "not_found");
    const frame = { type: "delete", chat_id: chat.id, message_id: message.id };
    expect(await (await cat.socket()).ask(frame)).toMatchObject({ code: "forbidden" });
    expect((await ben.api("GET", path)).body).toEqual(message);
    await deleted(anna, path);
    const refused = { actor_id: cat.id, outcome: "forbidden", details: { message_id: message.id } };
    expect(await audited(chat.id)).toEqual([
      refused,
      refused,
      { actor_id: anna.id, outcome: "ok", details: { message_id: message.id, user_id: ben.id } },
    ]);
    expectProblem(await cat.api("DELETE", path), 403, "forbidden");
  });

  test("the owner's message is not for its author once they have left, nor for a member", async () => {
    const { chat, anna, ben, cat, path } = await withMessage();
    const { id } = await anna.say(chat.id, "the owner's");
    expectProblem(await ben.api("DELETE", pathOf(chat.id, id)), 403, "forbidden");
    await ben.api("POST", `/api/chats/${chat.id}/leave`);
    expectProblem(await ben.api("DELETE", path), 404, "not_found");
    await anna.api("PATCH", `/api/chats/${chat.id}`, { owner_id: cat.id });
    expectProblem(await anna.api("DELETE", path), 403, "forbidden");
    await deleted(cat, path);
  });

  test("what is no message of the chat is 404", async () => {
    const { chat, ben, message } = await withMessage();
    const other = await ben.chat();
    for (const path of [pathOf(other.id, message.id), pathOf(chat.id, 999_999_999)]) {
      expectProblem(await ben.api("DELETE", path), 404, "not_found");
      expectProblem(await ben.api("GET", path), 404, "not_found");
      expectProblem(await ben.api("GET", `${path}/versions`), 404, "not_found");
    }
  });
});

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
      const events = await audited(chat.id);
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
    const end = await lastSeq(chat.id);
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

describe("a retry of the send", () => {
  test("returns what stays, whatever its content, shows nobody anything and asks nothing", async () => {
    const { chat, ben, annas, message, path } = await withMessage();
    const body = await deleted(ben, path);
    const asked = world.gemini.requests.length;
    for (const content of ["Oops", "Other", "/bot well?"]) {
      expect(await ben.say(chat.id, content, "first")).toEqual(body);
    }
    const socket = await ben.socket();
    const frame = { type: "message", chat_id: chat.id, content: "Oops", client_id: "first" };
    expect(await socket.ask(frame)).toMatchObject({ type: "ack", message_id: message.id });
    await annas.settle();
    expect(annas.ofType("message")).toHaveLength(1);
    expect(world.gemini.requests).toHaveLength(asked);
    expect(await lastSeq(chat.id)).toBe(Number(body.updated_seq));
  });
});

describe("later", () => {
  test("prompts leave a deleted message out, and nobody who joins is shown its text", async () => {
    const { chat, anna, ben, annas, message, path } = await withMessage("my secret word");
    await anna.say(chat.id, "a plain word");
    await deleted(ben, path);
    world.gemini.respondWith(answer(say("Yes."), finish()));
    await anna.say(chat.id, "/bot well?");
    await answerEnds(annas);
    const sent = JSON.stringify(lastRequest(world).body);
    expect(sent).toContain("a plain word");
    expect(sent).not.toContain("secret");
    const joined = await ben.joined(chat.id, message.seq);
    const shown = joined.ofType("message").filter((each) => each.message_id === message.id);
    expect(shown).toEqual([expect.objectContaining({ content: "", deleted_at: time })]);
    expect(JSON.stringify(joined.frames)).not.toContain("secret");
  });

  test("the list of chats shows nothing of the newest message, nor does a frame that was waiting", async () => {
    const { chat, anna, ben } = await withMessage();
    const annas = await anna.socket();
    await ben.say(chat.id, "one");
    await annas.next("chat_activity");
    const secret = await ben.say(chat.id, "a secret");
    await deleted(ben, pathOf(chat.id, secret.id));
    expect(await annas.next("chat_activity")).toMatchObject({ seq: secret.seq, last_message: "" });
    const list = await anna.api("GET", "/api/chats");
    const shown = list.body.find(({ id }: { id: number }) => id === chat.id);
    expect(shown).toMatchObject({ last_message: "", last_message_time: secret.created_at });
    expect(JSON.stringify(annas.frames)).not.toContain("a secret");
  });
});
