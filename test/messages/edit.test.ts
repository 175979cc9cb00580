// Edits of messages: who may, what is stored, and what everybody in the room receives.
import { describe, expect } from "bun:test";
import { answer, finish, say } from "../world/gemini/script.ts";
import { useWorld, type Person } from "../world/world.ts";
import { answerEnds, room } from "../answers/room.ts";
import { expectInvalid, expectProblem, time } from "../http/refusals.ts";
import { lastSeqOf, pathOf } from "./one-message.ts";
import { longTest, test } from "../world/long.ts";

const world = useWorld();

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
    expect(await lastSeqOf(world, chat.id)).toBe(2);
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

  longTest("keeps the first of 103 texts, and the newest, 100 in all", async () => {
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
    expect(await lastSeqOf(world, chat.id)).toBe(2);
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
