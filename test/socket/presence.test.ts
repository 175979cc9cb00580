// Frames that are never stored: `user_joined`, `user_left` and `typing`.
import { beforeEach, describe, expect, test } from "bun:test";
import { expectInvalid, expectNotFound, badIds, nowhere } from "./refusals.ts";
import type { TestSocket } from "../world/socket.ts";
import { useWorld, type Person } from "../world/world.ts";

const secondMs = 1_000;

let clockMs = Date.now();
let ann: Person;
let ben: Person;
let chatId: number;
const world = useWorld({ now: () => new Date(clockMs) });
beforeEach(async () => {
  ann = await world.person("ann");
  ben = await world.person("ben");
  chatId = (await ann.chat({ with: [ben] })).id;
});

/** The socket's frames about people, up to now. */
async function told(socket: TestSocket) {
  await socket.settle();
  return socket.frames
    .filter(({ type }) => ["typing", "user_joined", "user_left"].includes(type))
    .map(({ type, user_id }) => `${type} ${user_id === ann.id ? "ann" : "ben"}`);
}

describe("user_joined and user_left", () => {
  test("tell of a person's first socket in the room and of the last one gone", async () => {
    const reader = await ann.joined(chatId);
    const first = await ben.joined(chatId);
    expect(await reader.next("user_joined")).toEqual({
      type: "user_joined",
      chat_id: chatId,
      user_id: ben.id,
      username: ben.username,
    });
    const second = await ben.joined(chatId);
    await first.close();
    await second.ask({ type: "ping" });
    expect(await told(reader)).toEqual(["user_joined ben"]);
    await second.close();
    expect(await reader.next("user_left")).toEqual({
      type: "user_left",
      chat_id: chatId,
      user_id: ben.id,
      username: ben.username,
    });
    await ben.joined(chatId);
    expect(await told(reader)).toEqual(["user_joined ben", "user_left ben", "user_joined ben"]);
  });

  test("a person is not told of themselves, not on another socket either when that is there first", async () => {
    const first = await ann.joined(chatId);
    expect(await told(first)).toEqual([]);
    await ann.joined(chatId);
    expect(await told(first)).toEqual([]);
  });

  test("a leave frame tells like a socket that closes", async () => {
    const reader = await ann.joined(chatId);
    const [first, second] = [await ben.joined(chatId), await ben.joined(chatId)];
    await first.ask({ type: "leave", chat_id: chatId });
    await first.ask({ type: "leave", chat_id: chatId });
    expect(await told(reader)).toEqual(["user_joined ben"]);
    await second.ask({ type: "leave", chat_id: chatId });
    expect(await told(reader)).toEqual(["user_joined ben", "user_left ben"]);
  });

  test("a join repeated tells nothing", async () => {
    const reader = await ann.joined(chatId);
    const socket = await ben.joined(chatId);
    await socket.ask({ type: "join", chat_id: chatId });
    await socket.ask({ type: "join", chat_id: chatId, after_seq: 0 });
    expect(await told(reader)).toEqual(["user_joined ben"]);
  });

  test("a person who is removed, and one who leaves the chat, is told gone after their last number", async () => {
    for (const path of [`participants/${ben.id}`, "leave"]) {
      const room = (await ann.chat({ with: [ben] })).id;
      const reader = await ann.joined(room);
      await ben.joined(room);
      await ben.joined(room);
      if (path === "leave") await ben.api("POST", `/api/chats/${room}/leave`);
      else await ann.api("DELETE", `/api/chats/${room}/${path}`);
      await reader.next("participant_removed", { user_id: ben.id });
      await reader.next("user_left", { user_id: ben.id });
      expect(await told(reader)).toEqual(["user_joined ben", "user_left ben"]);
    }
  });

  test("joined names everyone who is there, once each", async () => {
    await ann.joined(chatId);
    await ann.joined(chatId);
    const reply = await (await ben.socket()).ask({ type: "join", chat_id: chatId });
    expect(reply.online).toEqual([
      { user_id: ann.id, username: ann.username },
      { user_id: ben.id, username: ben.username },
    ]);
  });
});

describe("typing", () => {
  test("is told to the others who have joined, and never to the typist, on none of their sockets", async () => {
    const reader = await ben.joined(chatId);
    const sockets = [await ann.joined(chatId), await ann.joined(chatId)];
    await sockets[0]?.ask({ type: "typing", chat_id: chatId });
    expect(await reader.next("typing")).toEqual({
      type: "typing",
      chat_id: chatId,
      user_id: ann.id,
      username: ann.username,
    });
    for (const socket of sockets) expect(await told(socket)).not.toContain("typing ann");
  });

  test("is acknowledged each time, and passed on once in 3 s a person, whatever socket it comes from", async () => {
    const reader = await ben.joined(chatId);
    const sockets = [await ann.joined(chatId), await ann.socket(), await ann.joined(chatId)];
    const typeOnAll = async () => {
      for (const socket of sockets) {
        const reply = await socket.ask({ type: "typing", chat_id: chatId });
        expect(reply).toEqual({ type: "ack", request_id: expect.any(String) });
      }
    };
    await typeOnAll();
    clockMs += 3 * secondMs - 1;
    await typeOnAll();
    const typings = async () => (await told(reader)).filter((line) => line === "typing ann").length;
    expect(await typings()).toBe(1);
    clockMs += 1;
    await typeOnAll();
    expect(await typings()).toBe(2);
  });

  test("from many sockets of a person at one moment is passed on once", async () => {
    const reader = await ben.joined(chatId);
    const sockets = await Promise.all(Array.from({ length: 10 }, () => ann.socket()));
    await Promise.all(sockets.map((socket) => socket.ask({ type: "typing", chat_id: chatId })));
    expect(await told(reader)).toEqual(["typing ann"]);
  });

  test("is counted for each person and each chat of its own", async () => {
    const room = (await ann.chat({ with: [ben] })).id;
    const [anns, bens] = [await ann.joined(chatId), await ben.joined(chatId)];
    await anns.ask({ type: "join", chat_id: room });
    await bens.ask({ type: "join", chat_id: room });
    await anns.ask({ type: "typing", chat_id: chatId });
    await anns.ask({ type: "typing", chat_id: room });
    await bens.ask({ type: "typing", chat_id: chatId });
    expect((await told(bens)).filter((line) => line.startsWith("typing"))).toEqual([
      "typing ann",
      "typing ann",
    ]);
    expect(await told(anns)).toContain("typing ben");
  });

  test("needs membership, not a join", async () => {
    const reader = await ben.joined(chatId);
    await (await ann.socket()).ask({ type: "typing", chat_id: chatId });
    expect(await told(reader)).toEqual(["typing ann"]);
  });

  test("is refused to a stranger, and tells nobody", async () => {
    const reader = await ben.joined(chatId);
    const strangers = await (await world.person()).socket();
    await expectNotFound(strangers, { type: "typing", chat_id: chatId });
    await expectNotFound(strangers, { type: "typing", chat_id: nowhere });
    expect(await told(reader)).toEqual([]);
  });

  test("is refused to somebody who was removed, however short ago they typed", async () => {
    const reader = await ann.joined(chatId);
    const socket = await ben.joined(chatId);
    await socket.ask({ type: "typing", chat_id: chatId });
    await ann.api("DELETE", `/api/chats/${chatId}/participants/${ben.id}`);
    await socket.next("removed_from_chat");
    await expectNotFound(socket, { type: "typing", chat_id: chatId });
    expect((await told(reader)).filter((line) => line === "typing ben").length).toBe(1);
  });

  test("is refused without a good chat_id", async () => {
    const socket = await ann.joined(chatId);
    for (const chat_id of badIds) await expectInvalid(socket, { type: "typing", chat_id });
  });

  test("takes no number and is stored nowhere", async () => {
    const socket = await ann.joined(chatId);
    await socket.ask({ type: "typing", chat_id: chatId });
    expect((await ann.api("GET", `/api/chats/${chatId}`)).body.last_seq).toBe(0);
  });
});
