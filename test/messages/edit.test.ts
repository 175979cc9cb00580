// Edits of messages: who may, what is stored, and what everybody in the room receives.
import { describe, expect, test } from "bun:test";
import { answer, answerAndHang, finish, say } from "../world/gemini/script.ts";
import { useWorld, type Person } from "../world/world.ts";
import { answerEnds, lastRequest, room } from "../answers/room.ts";
import { expectInvalid, expectProblem, time } from "../http/refusals.ts";

const world = useWorld();

const pathOf = (chatId: number, messageId: unknown) =>
  `/api/chats/${chatId}/messages/${String(messageId)}`;

async function versions(person: Person, chatId: number, messageId: number) {
  const { status, body } = await person.api("GET", `${pathOf(chatId, messageId)}/versions`);
  expect(status).toBe(200);
  return body;
}

/** A room in which ben has said something; anna owns it. */
async function withMessage(content = "Helo") {
  const here = await room(world);
  const message = await here.ben.say(here.chat.id, content, "first");
  return { ...here, message, path: pathOf(here.chat.id, message.id) };
}

async function lastSeq(chatId: number): Promise<number> {
  const [row] = await world.sql`select last_seq from chats where id = ${chatId}`;
  return Number(row?.last_seq);
}

describe("an edit", () => {
  test("over HTTP changes the content, takes a number and reaches everybody in the room", async () => {
    const { chat, anna, ben, annas, bens, message, path } = await withMessage();
    const { status, body } = await ben.api("PATCH", path, { content: "  Hello 👋\n" });
    expect(status).toBe(200);
    expect(body).toEqual({
      ...message,
      content: "  Hello 👋\n",
      updated_seq: message.seq + 1,
      edited_at: time,
    });
    const { id, ...members } = body;
    for (const socket of [annas, bens]) {
      expect(await socket.next("message_updated")).toEqual({
        type: "message_updated",
        message_id: id,
        ...members,
      });
    }
    expect((await anna.api("GET", path)).body).toEqual(body);
    expect((await anna.api("GET", `/api/chats/${chat.id}/messages`)).body).toEqual([body]);
    expect(await versions(anna, chat.id, id)).toEqual([
      { content: "Helo", updated_seq: message.seq, created_at: message.created_at },
      { content: "  Hello 👋\n", updated_seq: message.seq + 1, created_at: body.edited_at },
    ]);
  });

  test("over a socket that has not joined is acknowledged with its number", async () => {
    const { chat, ben, annas, message } = await withMessage();
    const outside = await ben.socket();
    const frame = { type: "edit", chat_id: chat.id, message_id: message.id, content: "Hello" };
    expect(await outside.ask(frame)).toEqual({
      type: "ack",
      request_id: expect.any(String),
      message_id: message.id,
      seq: message.seq,
      updated_seq: message.seq + 1,
    });
    expect(await annas.next("message_updated")).toMatchObject({ content: "Hello" });
    await outside.settle();
    expect(outside.ofType("message_updated")).toEqual([]);
  });

  test("that changes nothing succeeds without a number or a frame, even if the message has changed", async () => {
    const { chat, ben, annas, message, path } = await withMessage();
    const edited = await ben.api("PATCH", path, { content: "Hello", if_seq: message.seq });
    const again = await ben.api("PATCH", path, { content: "Hello", if_seq: message.seq });
    expect([again.status, again.body]).toEqual([200, edited.body]);
    const frame = { type: "edit", chat_id: chat.id, message_id: message.id, content: "Hello" };
    expect(await annas.ask({ ...frame, chat_id: chat.id })).toMatchObject({ code: "forbidden" });
    expect(await (await ben.socket()).ask(frame)).toMatchObject({ type: "ack", updated_seq: 2 });
    await annas.settle();
    expect(annas.ofType("message_updated")).toHaveLength(1);
    expect(await lastSeq(chat.id)).toBe(2);
    expect(await versions(ben, chat.id, message.id)).toHaveLength(2);
  });

  test("is refused to everybody but the author, and changes nothing", async () => {
    const { chat, anna, ben, message, path } = await withMessage();
    const [stranger, gone] = [await world.person("stranger"), await world.person("gone")];
    const body = { content: "taken over" };
    expectProblem(await anna.api("PATCH", path, body), 403, "forbidden");
    expectProblem(await stranger.api("PATCH", path, body), 404, "not_found");
    expectProblem(await world.call("PATCH", path, body), 401, "invalid_token");
    await anna.api("POST", `/api/chats/${chat.id}/invite`, { username: gone.username });
    const theirs = await gone.say(chat.id, "mine");
    await gone.api("POST", `/api/chats/${chat.id}/leave`);
    expectProblem(await gone.api("PATCH", pathOf(chat.id, theirs.id), body), 404, "not_found");
    const other = await ben.chat();
    for (const elsewhere of [pathOf(other.id, message.id), pathOf(chat.id, 999_999_999)]) {
      expectProblem(await ben.api("PATCH", elsewhere, body), 404, "not_found");
    }
    const socket = await stranger.socket();
    const frame = { type: "edit", chat_id: chat.id, message_id: message.id, ...body };
    expect(await socket.ask(frame)).toMatchObject({ type: "error", code: "not_found" });
    expect((await ben.api("GET", path)).body).toEqual(message);
    expect(await versions(ben, chat.id, message.id)).toHaveLength(1);
  });

  test("of an answer is refused to who asked and to the owner", async () => {
    const { chat, anna, ben, annas } = await room(world);
    world.gemini.respondWith(answer(say("Yes."), finish()));
    await ben.say(chat.id, "/bot well?");
    const { messageId } = await answerEnds(annas);
    for (const person of [anna, ben]) {
      const refused = await person.api("PATCH", pathOf(chat.id, messageId), { content: "No." });
      expectProblem(refused, 403, "forbidden");
    }
    expect(await versions(ben, chat.id, messageId)).toEqual([
      { content: "Yes.", updated_seq: 3, created_at: time },
    ]);
  });

  test("of a deleted message is 409 to everybody in the chat, and 404 to others", async () => {
    const { anna, ben, bens, chat, message, path } = await withMessage();
    await ben.api("DELETE", path);
    for (const person of [anna, ben]) {
      expectProblem(await person.api("PATCH", path, { content: "back" }), 409, "message_deleted");
    }
    const frame = { type: "edit", chat_id: chat.id, message_id: message.id, content: "back" };
    expect(await bens.ask(frame)).toMatchObject({ type: "error", code: "message_deleted" });
    const stranger = await world.person("eve");
    expectProblem(await stranger.api("PATCH", path, { content: "back" }), 404, "not_found");
    await anna.api("DELETE", `/api/chats/${chat.id}/participants/${ben.id}`);
    expectProblem(await ben.api("PATCH", path, { content: "back" }), 404, "not_found");
  });

  test("is held to the rules of a message's content", async () => {
    const { chat, ben, bens, message, path } = await withMessage();
    const bad = ["", " \n", "x".repeat(16_001), "a\u0000b", "\ud800", "/bot", " /BOT \n", null, 7];
    for (const content of bad) {
      expectInvalid(await ben.api("PATCH", path, { content }), "/content");
      const frame = { type: "edit", chat_id: chat.id, message_id: message.id, content };
      expect(await bens.ask(frame)).toMatchObject({ type: "error", code: "invalid" });
    }
    expectInvalid(await ben.api("PATCH", path, {}), "/content");
    for (const if_seq of [-1, 1.5, "1", 2 ** 53]) {
      expectInvalid(await ben.api("PATCH", path, { content: "fine", if_seq }), "/if_seq");
    }
    expect((await ben.api("GET", path)).body).toEqual(message);
    const long = "👍".repeat(16_000);
    expect((await ben.api("PATCH", path, { content: long, if_seq: null })).body.content).toBe(long);
  });

  test("with the number of an older state is refused, and tells so on a socket, too", async () => {
    const { chat, ben, bens, message, path } = await withMessage();
    await ben.api("PATCH", path, { content: "two" });
    const stale = { content: "three", if_seq: message.updated_seq };
    expectProblem(await ben.api("PATCH", path, stale), 409, "changed_meanwhile");
    const frame = { type: "edit", chat_id: chat.id, message_id: message.id, ...stale };
    expect(await bens.ask(frame)).toMatchObject({ type: "error", code: "changed_meanwhile" });
    const future = { content: "three", if_seq: 99 };
    expectProblem(await ben.api("PATCH", path, future), 409, "changed_meanwhile");
    const current = { content: "three", if_seq: 2 };
    expect((await ben.api("PATCH", path, current)).body).toMatchObject({ updated_seq: 3 });
  });

  test("keeps the first of 103 texts, and the newest, 100 in all", async () => {
    const { chat, ben, message, path } = await withMessage("text 1");
    for (let n = 2; n <= 103; n += 1) await ben.api("PATCH", path, { content: `text ${n}` });
    const kept = await versions(ben, chat.id, message.id);
    const contents = kept.map(({ content }: { content: string }) => content);
    const newest = Array.from({ length: 99 }, (_, n) => `text ${n + 5}`);
    expect(contents).toEqual(["text 1", ...newest]);
    expect(await ben.say(chat.id, "text 1", "first")).toMatchObject({ id: message.id });
  });
});

describe("edits at the same time", () => {
  test("are all versions, and the one with the highest number stays", async () => {
    const { chat, ben, bens, message, path } = await withMessage("text 0");
    const frame = { type: "edit", chat_id: chat.id, message_id: message.id };
    const edits = await world.whileLocked(chat.id, 4, () =>
      Promise.all([
        ben.api("PATCH", path, { content: "text 1" }).then(({ body }) => body.updated_seq),
        ben.api("PATCH", path, { content: "text 2" }).then(({ body }) => body.updated_seq),
        ben.api("PATCH", path, { content: "text 3" }).then(({ body }) => body.updated_seq),
        bens.ask({ ...frame, content: "text 4" }).then(({ updated_seq }) => Number(updated_seq)),
      ]),
    );
    expect(edits.toSorted()).toEqual([2, 3, 4, 5]);
    const kept = await versions(ben, chat.id, message.id);
    const byNumber = edits.map((seq, n) => [seq, `text ${n + 1}`] as const);
    byNumber.sort(([a], [b]) => a - b);
    expect(
      kept.map((each: { updated_seq: number; content: string }) => [
        each.updated_seq,
        each.content,
      ]),
    ).toEqual([[1, "text 0"], ...byNumber]);
    expect((await ben.api("GET", path)).body.content).toBe(byNumber.at(-1)?.[1] ?? "");
    await bens.settle();
    expect(bens.ofType("message_updated").map((each) => [each.updated_seq, each.content])).toEqual(
      byNumber.map((each) => [...each]),
    );
  });

  test("of which each names the state before: one of them is stored", async () => {
    const { chat, ben, message, path } = await withMessage();
    const replies = await world.whileLocked(chat.id, 3, () =>
      Promise.all(
        ["a", "b", "c"].map((content) => ben.api("PATCH", path, { content, if_seq: message.seq })),
      ),
    );
    expect(replies.map(({ status }) => status).toSorted()).toEqual([200, 409, 409]);
    expect(await lastSeq(chat.id)).toBe(2);
  });

  test("with the removal of their author are stored before it, or refused", async () => {
    const { chat, anna, ben, path } = await withMessage();
    const removal = `/api/chats/${chat.id}/participants/${ben.id}`;
    const [edited, removed] = await world.whileLocked(chat.id, 2, () =>
      Promise.all([ben.api("PATCH", path, { content: "late" }), anna.api("DELETE", removal)]),
    );
    expect(removed.status).toBe(200);
    const { content, updated_seq: seq } = (await anna.api("GET", path)).body;
    if (edited.status === 200) expect([content, seq]).toEqual(["late", 2]);
    else expectProblem(edited, 404, "not_found");
  });
});

describe("the edit of a question", () => {
  test("asks nothing, whether the text begins or no longer begins with /bot", async () => {
    const { chat, anna, annas } = await room(world);
    world.gemini.respondWith(answer(say("Yes."), finish()));
    const question = await anna.say(chat.id, "/bot well?");
    const { messageId } = await answerEnds(annas);
    const plain = await anna.say(chat.id, "well?");
    const asked = world.gemini.requests.length;
    await anna.api("PATCH", pathOf(chat.id, question.id), { content: "/bot really?" });
    await anna.api("PATCH", pathOf(chat.id, question.id), { content: "Never mind" });
    await anna.api("PATCH", pathOf(chat.id, plain.id), { content: "/bot well?" });
    const { body } = await anna.api("GET", `/api/chats/${chat.id}/messages`);
    expect(body.map(({ id }: { id: number }) => id)).toEqual([question.id, messageId, plain.id]);
    expect(world.gemini.requests).toHaveLength(asked);
    expect(body[1]).toMatchObject({ content: "Yes.", answer_to: question.id, edited_at: null });
  });

  test("keeps it a question that can be asked again, with the text that it has then", async () => {
    const { chat, anna, annas } = await room(world);
    world.gemini.respondWith(answer(say("Yes."), finish()), answer(say("No."), finish()));
    const question = await anna.say(chat.id, "/bot well?");
    await answerEnds(annas);
    const path = pathOf(chat.id, question.id);
    await anna.api("PATCH", path, { content: "Really?" });
    expect((await anna.api("POST", `${path}/regenerate`)).status).toBe(200);
    expect(await answerEnds(annas)).toMatchObject({ text: "No." });
    expect(JSON.stringify(lastRequest(world).body)).toContain("Really?");
    const plain = await anna.say(chat.id, "a plain message");
    expect(await anna.api("POST", `${pathOf(chat.id, plain.id)}/regenerate`)).toMatchObject({
      status: 422,
    });
  });

  test("lets the running answer go on, and its receipt is flagged", async () => {
    const { chat, anna, annas } = await room(world);
    world.gemini.respondWith(answerAndHang(say("So far")));
    const question = await anna.say(chat.id, "/bot well?");
    const { message_id: id } = await annas.next("bot_stream", { chunk: "So far" });
    await anna.api("PATCH", pathOf(chat.id, question.id), { content: "/bot really?" });
    const context = await anna.api("GET", `${pathOf(chat.id, id)}/context`);
    expect(context.body).toMatchObject({
      changed: true,
      messages: [{ id: question.id, updated_seq: question.seq, changed: true }],
    });
    const { body } = await anna.api("POST", `${pathOf(chat.id, id)}/stop`);
    expect(body).toMatchObject({ status: "stopped", content: "So far" });
  });
});

describe("a retry of the send", () => {
  test("with the first content returns the edited message, and shows nobody anything", async () => {
    const { chat, ben, annas, message, path } = await withMessage();
    const { body: edited } = await ben.api("PATCH", path, { content: "Hello" });
    await ben.api("PATCH", path, { content: "Hello!" });
    const { body: latest } = await ben.api("PATCH", path, { content: "Hello" });
    const socket = await ben.joined(chat.id);
    expect(await ben.say(chat.id, "Helo", "first")).toEqual(latest);
    const frame = { type: "message", chat_id: chat.id, client_id: "first" };
    expect(await socket.ask({ ...frame, content: "Helo" })).toMatchObject({
      type: "ack",
      message_id: message.id,
      seq: message.seq,
    });
    const refused = await socket.ask({ ...frame, content: edited.content });
    expect(refused).toMatchObject({ type: "error", code: "client_id_reused" });
    await annas.settle();
    expect(annas.ofType("message")).toHaveLength(1);
    expect(socket.ofType("message")).toEqual([]);
    expect(await lastSeq(chat.id)).toBe(4);
  });

  test("of a question that was edited asks nothing once more", async () => {
    const { chat, anna, annas } = await room(world);
    world.gemini.respondWith(answer(say("Yes."), finish()));
    const question = await anna.say(chat.id, "/bot well?", "asked");
    await answerEnds(annas);
    const { body } = await anna.api("PATCH", pathOf(chat.id, question.id), { content: "Well." });
    const asked = world.gemini.requests.length;
    expect(await anna.say(chat.id, "/bot well?", "asked")).toEqual(body);
    expect(await anna.say(chat.id, "/bot other?", "asked")).toMatchObject({ status: 409 });
    expect(world.gemini.requests).toHaveLength(asked);
    expect(await lastSeq(chat.id)).toBe(4);
  });
});

describe("who was away", () => {
  test("gets an edited message once, in its latest state", async () => {
    const { chat, anna, ben, message, path } = await withMessage();
    await anna.say(chat.id, "between");
    await ben.api("PATCH", path, { content: "two" });
    await ben.api("PATCH", path, { content: "three" });
    const after = await anna.joined(chat.id, 2);
    expect(after.ofType("message").map((each) => [each.message_id, each.updated_seq])).toEqual([
      [message.id, 4],
    ]);
    expect(after.ofType("message")[0]).toMatchObject({ content: "three", edited_at: time });
    const all = await anna.joined(chat.id, 0);
    expect(all.ofType("message").map(({ content }) => content)).toEqual(["between", "three"]);
  });
});

describe("a socket of a client of the FastAPI server", () => {
  test("gets the flat frame, without a nested message", async () => {
    const { chat, anna, ben, path } = await withMessage();
    const merged = await anna.socket({ isMerged: true });
    await merged.ask({ type: "join", chat_id: chat.id });
    await ben.api("PATCH", path, { content: "Hello" });
    const frame = await merged.next("message_updated");
    expect(frame).toMatchObject({ content: "Hello" });
    expect(frame).not.toHaveProperty("message");
  });
});

describe("the list of chats", () => {
  test("shows the edited text of the newest message, also to sockets that have not joined", async () => {
    const { chat, anna, ben, message, path } = await withMessage();
    const annas = await anna.socket();
    await ben.api("PATCH", path, { content: "Hello" });
    expect(await annas.next("chat_activity")).toMatchObject({
      seq: message.seq,
      last_message: "Hello",
      last_message_time: message.created_at,
    });
    const list = await anna.api("GET", "/api/chats");
    const shown = list.body.find(({ id }: { id: number }) => id === chat.id);
    expect(shown).toMatchObject({ last_message: "Hello", unread_count: 1 });
    await anna.say(chat.id, "newer");
    await annas.next("chat_activity", { last_message: "newer" });
    await ben.api("PATCH", path, { content: "Hello again" });
    await anna.say(chat.id, "newest");
    await annas.next("chat_activity", { last_message: "newest" });
    expect(annas.ofType("chat_activity").map((each) => each.last_message)).not.toContain(
      "Hello again",
    );
  });
});
