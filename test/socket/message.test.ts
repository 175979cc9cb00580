// The frame that sends a message: acknowledged, shown after its commit, refused.
import { beforeAll, expect, test } from "bun:test";
import type { TestSocket } from "../world/socket.ts";
import { useWorld, type Person } from "../world/world.ts";
import { badIds, expectInvalid, expectNotFound, nowhere } from "./refusals.ts";
import { newMessage } from "../world/new-message.ts";
import { messageFrame } from "../../src/wire/message-frames.ts";

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

test("a message is acknowledged with its id and number, and everyone who joined gets it, the sender too", async () => {
  const friend = await world.person();
  await owner.api("POST", `/api/chats/${chatId}/invite`, { username: friend.username });
  const others = await friend.joined(chatId);
  const ack = await socket.ask({
    type: "message",
    chat_id: chatId,
    content: "  Hello!\n ",
    client_id: "c-1",
  });
  expect(ack).toEqual({
    type: "ack",
    request_id: expect.any(String),
    message_id: expect.any(Number),
    seq: expect.any(Number),
  });
  for (const reader of [socket, others]) {
    const message = newMessage({
      id: Number(ack.message_id),
      chat_id: chatId,
      seq: Number(ack.seq),
      updated_seq: Number(ack.seq),
      user_id: owner.id,
      username: owner.username,
      content: "  Hello!\n ",
      client_id: "c-1",
      created_at: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
    });
    const frame = await reader.next("message", { message_id: ack.message_id });
    expect(frame).toEqual(messageFrame(message));
  }
});

test("a message is shown only after its commit", async () => {
  const room = await owner.chat();
  const sender = await owner.socket();
  const reader = await owner.joined(room.id);
  const locked = Promise.withResolvers<void>();
  const gate = Promise.withResolvers<void>();
  const lock = world.sql.begin(async (sql) => {
    await sql`select id from chats where id = ${room.id} for update`;
    locked.resolve();
    await gate.promise;
  });
  await locked.promise;
  const ack = sender.ask({ type: "message", chat_id: room.id, content: "held up" });
  // Its statement waits for the row as soon as it stands in the lock's queue.
  await world.untilBlocked();
  await reader.settle();
  expect(reader.ofType("message")).toEqual([]);
  expect(sender.ofType("ack")).toEqual([]);
  gate.resolve();
  await lock;
  const { message_id } = await ack;
  await reader.next("message", { message_id });
  const rows = await world.sql`select content from messages where id = ${Number(message_id)}`;
  expect(rows[0]).toEqual({ content: "held up" });
});

test("a message needs membership, not a join", async () => {
  const unjoined = await owner.socket();
  const ack = await unjoined.ask({ type: "message", chat_id: chatId, content: "from outside" });
  expect(ack).toMatchObject({ type: "ack" });
  await socket.next("message", { message_id: ack.message_id });
  await unjoined.settle();
  expect(unjoined.ofType("message")).toEqual([]);
});

test("a message is refused to a stranger and in a chat that doesn't exist, and stores nothing", async () => {
  const before = await world.sql`select count(*) from messages`;
  for (const chat_id of [chatId, nowhere]) {
    for (const content of ["hello", "/bot hello"]) {
      await expectNotFound(strangers, { type: "message", chat_id, content });
    }
  }
  expect([...(await world.sql`select count(*) from messages`)]).toEqual([...before]);
});

test("a message is refused without good content, client_id and chat_id", async () => {
  const contents = [undefined, null, "", " \n\t ", 7, {}, "a\u0000b", "\ud800", "x".repeat(16_001)];
  for (const content of contents) {
    await expectInvalid(socket, { type: "message", chat_id: chatId, content });
  }
  for (const client_id of ["", "x".repeat(65), 7, {}]) {
    await expectInvalid(socket, { type: "message", chat_id: chatId, content: "hi", client_id });
  }
  for (const chat_id of badIds)
    await expectInvalid(socket, { type: "message", chat_id, content: "hi" });
  await expectInvalid(socket, { type: "message", chat_id: chatId, content: "/bot  " });
});

test("a message takes 16,000 characters, of four bytes each too", async () => {
  const content = "🙂".repeat(16_000);
  const ack = await socket.ask({ type: "message", chat_id: chatId, content });
  expect((await socket.next("message", { message_id: ack.message_id })).content).toBe(content);
});

test("a message with a client_id that was used returns the first message's ack and shows nothing, other content is refused", async () => {
  const frame = { type: "message", chat_id: chatId, content: "once", client_id: "c-2" };
  const { request_id: _, ...first } = await socket.ask(frame);
  expect(await socket.ask(frame)).toMatchObject(first);
  expect(await socket.ask({ ...frame, content: "twice" })).toMatchObject({
    type: "error",
    chat_id: chatId,
    code: "client_id_reused",
  });
  await socket.settle();
  const shown = socket.ofType("message").filter(({ client_id }) => client_id === "c-2");
  expect(shown.length).toBe(1);
});
