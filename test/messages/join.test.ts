// Joining with after_seq: what is sent again, what is not, and when it is too much.
import { beforeAll, describe, expect } from "bun:test";
import { answer, finish, say } from "../world/gemini/script.ts";
import { readArrivals } from "../../src/accounts/socket-queries.ts";
import { insertMessages } from "../../src/log/insert.ts";
import type { Frame, TestSocket } from "../world/socket.ts";
import { bothTest, isLong, test } from "../world/long.ts";
import { useWorld, type Person } from "../world/world.ts";

const world = useWorld();
let ann: Person;
let ben: Person;
beforeAll(async () => {
  ann = await world.person("ann");
  ben = await world.person("ben");
});

const mebibyte = 1024 * 1024;

/** Joins as a client that has the log up to `afterSeq`. @returns what came before `joined`, and `joined` */
async function join(person: Person, chatId: number, afterSeq: number) {
  const socket = await person.socket();
  const from = socket.frames.length;
  const joined = await socket.ask({ type: "join", chat_id: chatId, after_seq: afterSeq });
  const came = socket.frames.slice(from, socket.frames.indexOf(joined));
  // News of other chats, and of this one until it was joined.
  const replay = came.filter(({ type }) => type !== "chat_activity");
  return { socket, replay, joined };
}

/** Stores messages of ann's as a server would whose frames were all lost. */
async function store(chatId: number, contents: string[]) {
  for (let at = 0; at < contents.length; at += 500) {
    const items = contents.slice(at, at + 500).map((content) => ({
      chatId,
      userId: ann.id,
      username: ann.username,
      content,
      clientId: undefined,
      runId: undefined,
    }));
    await insertMessages(world.sql, items, { leaseSeconds: 6 });
  }
}

const numbers = (frames: Frame[]) => frames.map(({ updated_seq }) => Number(updated_seq));

describe("what is sent again", () => {
  test("is for every after_seq what is new or changed above it, in its latest state, by updated_seq", async () => {
    const chat = await ann.chat({ with: [ben], name: "Physics" });
    const reader = await ben.joined(chat.id);
    await ann.say(chat.id, "one");
    await ben.say(chat.id, "two");
    world.gemini.respondWith(answer(say("An answer, "), say("in two pieces."), finish()));
    await ann.say(chat.id, "/bot three, and its answer is four");
    await reader.next("bot_stream", { is_complete: true });
    await ann.api("PATCH", `/api/chats/${chat.id}`, { name: "Chemistry" });
    await ann.say(chat.id, "seven");
    const cat = await world.person("cat");
    await ann.api("POST", `/api/chats/${chat.id}/invite`, { username: cat.username });
    await ann.say(chat.id, "nine");

    const { body: messages } = await ann.api("GET", `/api/chats/${chat.id}/messages`);
    const { body: chatNow } = await ann.api("GET", `/api/chats/${chat.id}`);
    const { body: participants } = await ann.api("GET", `/api/chats/${chat.id}/participants`);
    expect(messages.map((m: Frame) => m.updated_seq)).toEqual([1, 2, 3, 5, 7, 9]);
    expect(chatNow).toMatchObject({ last_seq: 9, updated_seq: 8 });
    const carried = new Set(messages.flatMap((m: Frame) => [m.seq, m.updated_seq]));
    const numbers = [1, 2, 3, 4, 5, 6, 7, 8, 9];
    const supersededAbove = (afterSeq: number) =>
      numbers.filter((n) => n > afterSeq && !carried.has(n) && n !== chatNow.updated_seq).length;
    expect(supersededAbove(0)).toBeGreaterThan(0);
    for (let afterSeq = 0; afterSeq <= 9; afterSeq += 1) {
      const { replay, joined } = await join(ann, chat.id, afterSeq);
      const expected = messages
        .filter((message: Frame) => Number(message.updated_seq) > afterSeq)
        .map(({ id, ...message }: Record<string, unknown>) => ({
          ...message,
          type: "message",
          message_id: id,
        }));
      expect(replay).toEqual(expected);
      expect(joined).toEqual({
        type: "joined",
        request_id: expect.any(String),
        chat_id: chat.id,
        last_seq: 9,
        recovered: true,
        superseded: supersededAbove(afterSeq),
        online: expect.any(Array),
        online_count: 2,
        reads: [{ user_id: ann.id, last_read_seq: 0, joined_seq: 0, read_at: null }],
        ...(afterSeq < 8 ? { chat: chatNow, participants } : {}),
      });
    }
  });

  test("is nothing without after_seq", async () => {
    const chat = await ann.chat();
    await ann.say(chat.id, "one");
    const socket = await ann.joined(chat.id);
    expect(socket.ofType("message")).toEqual([]);
    expect(socket.ofType("joined")).toMatchObject([{ last_seq: 1, recovered: true }]);
    expect(socket.ofType("joined")[0]).not.toHaveProperty("chat");
  });

  test("goes to the socket that asked, and to no other of the same person", async () => {
    const chat = await ann.chat();
    await ann.say(chat.id, "one");
    const first = await ann.joined(chat.id);
    const { replay } = await join(ann, chat.id, 0);
    expect(numbers(replay)).toEqual([1]);
    await first.settle();
    expect(first.ofType("message")).toEqual([]);
    await ann.say(chat.id, "two");
    expect(await first.next("message")).toMatchObject({ seq: 2 });
  });

  test("comes again when a join is repeated, and nothing live comes twice after it", async () => {
    const chat = await ann.chat();
    await ann.say(chat.id, "one");
    await ann.say(chat.id, "two");
    const { socket } = await join(ann, chat.id, 1);
    for (const after_seq of [0, 2, undefined]) {
      await socket.ask({ type: "join", chat_id: chat.id, after_seq });
    }
    await ann.say(chat.id, "three");
    await socket.settle();
    expect(numbers(socket.ofType("message"))).toEqual([2, 1, 2, 3]);
  });
});

describe("too far behind", () => {
  test("1,000 messages are sent again, one more is recovered:false and only what comes then", async () => {
    const chat = await ann.chat();
    await store(
      chat.id,
      Array.from({ length: 1_001 }, (_, index) => `message ${index + 1}`),
    );
    const all = await join(ann, chat.id, 1);
    expect(all.joined).toMatchObject({ recovered: true, last_seq: 1_001 });
    expect(numbers(all.replay)).toEqual(Array.from({ length: 1_000 }, (_, index) => index + 2));
    const none = await join(ann, chat.id, 0);
    expect(none.joined).toMatchObject({ recovered: false, last_seq: 1_001 });
    expect(none.replay).toEqual([]);
    await ann.say(chat.id, "the next");
    expect(await none.socket.next("message")).toMatchObject({ seq: 1_002 });
    await none.socket.settle();
    expect(none.socket.ofType("message").length).toBe(1);
  });

  test("about 1 MiB of messages is sent again, more is recovered:false and not even read", async () => {
    const chat = await ann.chat();
    await store(
      chat.id,
      Array.from({ length: 70 }, () => "x".repeat(16_000)),
    );
    const lastBytes = (count: number) => join(ann, chat.id, 70 - count);
    const within = await lastBytes(64);
    expect(within.joined).toMatchObject({ recovered: true });
    expect(numbers(within.replay)).toEqual(Array.from({ length: 64 }, (_, index) => index + 7));
    const beyond = await lastBytes(66);
    expect(beyond.joined).toMatchObject({ recovered: false, last_seq: 70 });
    expect(beyond.replay).toEqual([]);
    const [read] = await readArrivals(world.sql, [
      { userId: ann.id, chatId: chat.id, afterSeq: 0 },
    ]);
    expect(read?.chat).toMatchObject({ lastSeq: 70, frames: undefined });
  });

  test("the limit counts bytes of JSON, not characters", async () => {
    const chat = await ann.chat();
    const lines = "\n".repeat(15_998);
    await store(
      chat.id,
      [...Array(40)].map(() => `a${lines}b`),
    );
    expect(40 * 16_000).toBeLessThan(mebibyte);
    expect((await join(ann, chat.id, 0)).joined).toMatchObject({ recovered: false });
    const fewer = await join(ann, chat.id, 10);
    expect(fewer.joined).toMatchObject({ recovered: true });
    expect(fewer.replay.length).toBe(30);
  });

  test("an after_seq that the log has not reached is recovered:false, its very end is not", async () => {
    const chat = await ann.chat();
    await ann.say(chat.id, "one");
    expect((await join(ann, chat.id, 1)).joined).toMatchObject({ recovered: true, last_seq: 1 });
    for (const afterSeq of [2, 2 ** 53 - 1]) {
      const { joined, replay } = await join(ann, chat.id, afterSeq);
      expect(joined).toMatchObject({ recovered: false, last_seq: 1 });
      expect(replay).toEqual([]);
    }
  });
});

describe("a log that is ahead of what the room was shown", () => {
  async function lagging() {
    const chat = await ann.chat();
    const reader: TestSocket = await ann.joined(chat.id);
    await ann.say(chat.id, "one");
    await reader.next("message", { seq: 1 });
    await store(chat.id, ["two, whose frame was lost"]);
    return { chat, reader };
  }

  test("a join gets all of it once, before or after joined, and the others get what they missed", async () => {
    const { chat, reader } = await lagging();
    const { socket } = await join(ann, chat.id, 0);
    await ann.say(chat.id, "three");
    await socket.next("message", { seq: 3 });
    await reader.next("message", { seq: 3 });
    expect(numbers(socket.ofType("message"))).toEqual([1, 2, 3]);
    expect(numbers(reader.ofType("message"))).toEqual([1, 2, 3]);
  });

  test("a join of somebody who has it already doesn't get it again", async () => {
    const { chat, reader } = await lagging();
    const { socket } = await join(ann, chat.id, 2);
    await reader.next("message", { seq: 2 });
    await ann.say(chat.id, "three");
    await socket.next("message", { seq: 3 });
    expect(numbers(socket.ofType("message"))).toEqual([3]);
  });
});

bothTest("one socket in many rooms gets each room's messages once, missed and live", async () => {
  const chats = await Promise.all(Array.from({ length: isLong ? 100 : 20 }, () => ann.chat()));
  await Promise.all(chats.map((chat) => ann.say(chat.id, "missed")));
  const socket = await ann.socket();
  await Promise.all(chats.map(({ id }) => socket.ask({ type: "join", chat_id: id, after_seq: 0 })));
  await Promise.all(chats.map((chat) => ann.say(chat.id, "live")));
  await socket.settle();
  const came = socket
    .ofType("message")
    .map(({ chat_id, content, seq }) => `${chat_id} ${seq} ${content}`);
  const expected = chats.flatMap(({ id }) => [`${id} 1 missed`, `${id} 2 live`]);
  expect(came.sort()).toEqual(expected.sort());
});
