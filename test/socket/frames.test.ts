// Every frame that a client may send: done, refused to a stranger, and refused for what is wrong with it.
import { beforeAll, describe, expect, test } from "bun:test";
import { answer, answerAndHang, finish, say } from "../world/gemini/script.ts";
import type { TestSocket } from "../world/socket.ts";
import { badIds, expectInvalid, expectNotFound, nowhere } from "./refusals.ts";
import { useWorld, type Person, type World } from "../world/world.ts";

const world = useWorld();
let owner: Person;
let stranger: Person;
let socket: TestSocket;
let strangers: TestSocket;
let chatId: number;
beforeAll(async () => {
  owner = await world.person();
  stranger = await world.person();
  chatId = (await owner.chat()).id;
  socket = await owner.joined(chatId);
  strangers = await stranger.socket();
});

describe("join", () => {
  test("is answered by joined, which names who is there", async () => {
    const room = await owner.chat();
    const reply = await (await owner.socket()).ask({ type: "join", chat_id: room.id });
    expect(reply).toEqual({
      type: "joined",
      request_id: expect.any(String),
      chat_id: room.id,
      last_seq: 0,
      recovered: true,
      online: [{ user_id: owner.id, username: owner.username }],
      online_count: 1,
      reads: [{ user_id: owner.id, last_read_seq: 0, joined_seq: 0, read_at: null }],
    });
  });

  test("is refused to a stranger like a chat that doesn't exist, and no frame of the room comes", async () => {
    await expectNotFound(strangers, { type: "join", chat_id: chatId });
    await expectNotFound(strangers, { type: "join", chat_id: nowhere, after_seq: 0 });
    await owner.say(chatId, "not for strangers");
    await strangers.settle();
    expect(strangers.ofType("message")).toEqual([]);
  });

  test("is refused without a good chat_id and after_seq", async () => {
    for (const chat_id of badIds) await expectInvalid(socket, { type: "join", chat_id });
    for (const after_seq of [-1, 1.5, "3", true, {}, 2 ** 53]) {
      await expectInvalid(socket, { type: "join", chat_id: chatId, after_seq });
    }
  });

  test("takes an after_seq of null as none", async () => {
    const reply = await socket.ask({ type: "join", chat_id: chatId, after_seq: null });
    expect(reply).toMatchObject({ type: "joined", recovered: true });
  });
});

describe("leave", () => {
  test("is acknowledged, joined or not, and the room's frames stop", async () => {
    const reader = await owner.joined(chatId);
    expect(await reader.ask({ type: "leave", chat_id: chatId })).toEqual({
      type: "ack",
      request_id: expect.any(String),
    });
    await owner.say(chatId, "without you");
    await reader.settle();
    expect(reader.ofType("message")).toEqual([]);
    expect(await reader.ask({ type: "leave", chat_id: chatId })).toMatchObject({ type: "ack" });
    expect(await strangers.ask({ type: "leave", chat_id: chatId })).toMatchObject({ type: "ack" });
  });

  test("is refused without a good chat_id", async () => {
    for (const chat_id of badIds) await expectInvalid(socket, { type: "leave", chat_id });
  });
});

describe("stop", () => {
  async function ask(...script: Parameters<World["gemini"]["respondWith"]>): Promise<number> {
    world.gemini.respondWith(...script);
    const { message_id: question } = await socket.ask({
      type: "message",
      chat_id: chatId,
      content: "/bot go on",
    });
    const { message_id } = await socket.next("bot_stream", { answer_to: question });
    return Number(message_id);
  }

  test("ends a running answer with what it has, and is acknowledged after its end", async () => {
    const message_id = await ask(answerAndHang(say("So far")));
    await socket.next("bot_stream", { message_id, chunk: "So far" });
    const other = await owner.socket();
    expect(await other.ask({ type: "stop", chat_id: chatId, message_id })).toEqual({
      type: "ack",
      request_id: expect.any(String),
    });
    const { body: messages } = await owner.api("GET", `/api/chats/${chatId}/messages`);
    expect(messages.at(-1)).toMatchObject({ id: message_id, status: "stopped" });
    expect(await socket.next("bot_stream", { message_id, is_complete: true })).toMatchObject({
      status: "stopped",
      full_response: "So far",
    });
  });

  test("is refused to a stranger, for a message of another chat and for one that doesn't exist", async () => {
    const message_id = await ask(answerAndHang(say("Running")));
    const elsewhere = (await owner.chat()).id;
    await expectNotFound(strangers, { type: "stop", chat_id: chatId, message_id });
    for (const wrong of [
      { chat_id: elsewhere, message_id },
      { chat_id: chatId, message_id: nowhere },
    ]) {
      const reply = await socket.ask({ type: "stop", ...wrong });
      expect(reply).toMatchObject({ type: "error", code: "not_found" });
    }
    expect(await socket.ask({ type: "stop", chat_id: chatId, message_id })).toMatchObject({
      type: "ack",
    });
  });

  test("is refused as answer_ended for an answer that has ended and for a person's message", async () => {
    const message_id = await ask(answer(say("Done."), finish()));
    await socket.next("bot_stream", { message_id, is_complete: true });
    const { id } = await owner.say(chatId, "no answer");
    for (const ended of [message_id, id]) {
      const reply = await socket.ask({ type: "stop", chat_id: chatId, message_id: ended });
      expect(reply).toMatchObject({ type: "error", chat_id: chatId, code: "answer_ended" });
    }
  });

  test("is refused without a good chat_id and message_id", async () => {
    for (const bad of badIds) {
      await expectInvalid(socket, { type: "stop", chat_id: bad, message_id: 1 });
      await expectInvalid(socket, { type: "stop", chat_id: chatId, message_id: bad });
    }
  });
});

test("ping is answered by pong, with the request_id it came with or without any", async () => {
  expect(await socket.ask({ type: "ping" })).toEqual({
    type: "pong",
    request_id: expect.any(String),
  });
  const fresh = await owner.socket();
  fresh.send({ type: "ping" });
  await fresh.settle();
  expect(fresh.ofType("pong").filter((frame) => !("request_id" in frame))).toEqual([
    { type: "pong" },
  ]);
});
