// A person who is out of a chat receives nothing that has a higher number than their removal, however busy the chat is.
import { beforeAll, beforeEach, describe, expect } from "bun:test";
import { deleteParticipant } from "../../src/chats/removal-queries.ts";
import { expectNotFound } from "./refusals.ts";
import { bothTest, isLong, test } from "../world/long.ts";
import type { Frame, TestSocket } from "../world/socket.ts";
import { useWorld, type Person } from "../world/world.ts";

const world = useWorld();
let ann: Person;
let ben: Person;
let cat: Person;
let chatId: number;
beforeAll(async () => {
  [ann, ben, cat] = await Promise.all([
    world.person("ann"),
    world.person("ben"),
    world.person("cat"),
  ]);
});
beforeEach(async () => {
  chatId = (await ann.chat({ with: [ben, cat] })).id;
});

/** How often what happens under load is repeated. */
const rounds = isLong ? 5 : 2;

const range = (from: number, to: number) =>
  Array.from({ length: to - from + 1 }, (_, n) => from + n);

/** The numbers of this chat's durable frames. */
function numbersOf({ frames }: TestSocket): number[] {
  return frames.flatMap(({ type, chat_id, updated_seq }) =>
    chat_id === chatId && type !== "joined" && updated_seq !== undefined
      ? [Number(updated_seq)]
      : [],
  );
}

function aboutTheChat({ frames }: TestSocket): Frame[] {
  return frames.filter(({ chat_id, request_id }) => chat_id === chatId && request_id === undefined);
}

/** Sends without a pause on some sockets until `stop`. */
async function startLoad(...people: Person[]) {
  const senders = await Promise.all(people.map((person) => person.socket()));
  let sending = true;
  const replies: Frame[] = [];
  const loops = senders.map(async (sender) => {
    for (let n = 0; sending; n += 1) {
      const together = ["a", "b", "c"].map((content) =>
        sender.ask({ type: "message", chat_id: chatId, content: `${content}${n}` }),
      );
      replies.push(...(await Promise.all(together)));
    }
  });
  return {
    replies,
    async stop() {
      sending = false;
      await Promise.all(loops);
      for (const sender of senders) await sender.close();
    },
  };
}

const ways = {
  "is removed": () => ann.api("DELETE", `/api/chats/${chatId}/participants/${ben.id}`),
  leaves: () => ben.api("POST", `/api/chats/${chatId}/leave`),
};

for (const [what, goes] of Object.entries(ways)) {
  bothTest(
    `somebody who ${what} under load hears everything up to their number and nothing above it, on no socket`,
    async () => {
      for (let round = 0; round < rounds; round += 1) {
        chatId = (await ann.chat({ with: [ben, cat] })).id;
        const reader = await cat.joined(chatId);
        const bens = [await ben.joined(chatId), await ben.joined(chatId), await ben.socket()];
        const load = await startLoad(ann, cat);
        await reader.next("message", { seq: 10 * (round + 1) });
        expect((await goes()).status).toBe(200);
        const removal = await reader.next("participant_removed", { user_id: ben.id });
        const last = Number(removal.updated_seq);
        await reader.next("message", { seq: last + 20 });
        await load.stop();
        await reader.settle();

        const numbers = numbersOf(reader);
        expect(numbers).toEqual(range(1, numbers.length));
        for (const [index, socket] of bens.entries()) {
          await socket.settle();
          const joined = index < 2;
          expect(numbersOf(socket)).toEqual(joined ? range(1, last) : []);
          // Nothing of the chat comes behind it, no news, nobody's coming and going.
          const about = aboutTheChat(socket).map(({ type }) => type);
          expect(about.slice(about.indexOf("removed_from_chat"))).toEqual(["removed_from_chat"]);
          if (joined) expect(about.at(-2)).toBe("participant_removed");
        }
        for (const socket of [reader, ...bens]) await socket.close();
      }
    },
    20_000,
  );
}

test("somebody who is removed while a number before it has not come yet is told so after their last frame", async () => {
  const bens = await ben.joined(chatId);
  // Its reply was lost: the room reads it from the log, and holds back the removal until then.
  await deleteParticipant(world.sql, ann, chatId, cat.id);
  await ann.api("DELETE", `/api/chats/${chatId}/participants/${ben.id}`);
  await bens.next("removed_from_chat");
  await bens.settle();
  expect(aboutTheChat(bens).map(({ type, user_id }) => [type, user_id])).toEqual([
    ["joined", undefined],
    ["participant_removed", cat.id],
    ["participant_removed", ben.id],
    ["removed_from_chat", undefined],
  ]);
  await bens.close();
});

bothTest(
  "somebody who is removed while they join has joined before it or not at all, and hears nothing above it",
  async () => {
    const outcomes = new Set<string>();
    for (let round = 0; round < (isLong ? 25 : 8); round += 1) {
      chatId = (await ann.chat({ with: [ben, cat] })).id;
      const reader = await cat.joined(chatId);
      const sockets = await Promise.all(range(1, 4).map(() => ben.socket()));
      const [, replies] = await Promise.all([
        ann.api("DELETE", `/api/chats/${chatId}/participants/${ben.id}`),
        Promise.all(
          sockets.map(async (socket, index) => {
            // Each a little later than the one before.
            for (const _ of range(1, 2 * index)) await cat.api("GET", `/api/chats/${chatId}`);
            const after_seq = round % 2 ? 0 : undefined;
            return await socket.ask({ type: "join", chat_id: chatId, after_seq });
          }),
        ),
        ...range(1, 3).map((n) => cat.say(chatId, `${n}`)),
      ]);
      const { updated_seq } = await reader.next("participant_removed");
      await ann.say(chatId, "now that they are gone");
      for (const [index, socket] of sockets.entries()) {
        await socket.settle();
        const { type, code } = replies[index] ?? { type: "nothing" };
        outcomes.add(String(type));
        if (type === "error") expect([code, numbersOf(socket)]).toEqual(["not_found", []]);
        else expect(numbersOf(socket).at(-1)).toBe(Number(updated_seq));
      }
      for (const socket of [reader, ...sockets]) await socket.close();
    }
    // Otherwise there was no race.
    expect([...outcomes].sort()).toEqual(["error", "joined"]);
  },
  20_000,
);

test("somebody who was removed can neither join nor send nor stop, and after a new invitation misses nothing", async () => {
  const socket = await ben.joined(chatId);
  await ann.api("DELETE", `/api/chats/${chatId}/participants/${ben.id}`);
  await socket.next("removed_from_chat");
  await ann.say(chatId, "among us");
  await expectNotFound(socket, { type: "join", chat_id: chatId, after_seq: 0 });
  await expectNotFound(socket, { type: "message", chat_id: chatId, content: "hello?" });
  await expectNotFound(socket, { type: "stop", chat_id: chatId, message_id: 1 });
  await ann.api("POST", `/api/chats/${chatId}/invite`, { username: ben.username });
  expect(await socket.ask({ type: "join", chat_id: chatId, after_seq: 1 })).toMatchObject({
    type: "joined",
    last_seq: 3,
    recovered: true,
  });
  await ann.say(chatId, "welcome back");
  await socket.next("message", { seq: 4 });
  expect(numbersOf(socket)).toEqual([1, 2, 4]);
});

test("whoever is out of a chat gets no news of it either, on sockets that had joined it or not", async () => {
  const bens = [await ben.joined(chatId), await ben.socket()];
  const anns = await ann.socket();
  const cats = await cat.socket();
  await cat.api("POST", `/api/chats/${chatId}/leave`);
  await ways["is removed"]();
  await ann.say(chatId, "among us");
  await anns.next("chat_activity", { chat_id: chatId, seq: 3 });
  for (const socket of [...bens, cats]) {
    await socket.settle();
    const news = socket.ofType("chat_activity").filter(({ chat_id }) => chat_id === chatId);
    expect(news).toEqual([]);
  }
});

test("the deletion of a chat under load ends its frames for everyone, and senders get not_found", async () => {
  for (let round = 0; round < rounds; round += 1) {
    chatId = (await ann.chat({ with: [ben, cat] })).id;
    const readers = [await ben.joined(chatId), await cat.joined(chatId)];
    const load = await startLoad(ben, cat);
    await readers[0]?.next("message", { seq: 10 * (round + 1) });
    expect((await ann.api("DELETE", `/api/chats/${chatId}`)).status).toBe(200);
    for (const reader of readers) await reader.next("chat_deleted");
    const sender = await ben.socket();
    await expectNotFound(sender, { type: "message", chat_id: chatId, content: "too late" });
    await expectNotFound(sender, { type: "join", chat_id: chatId });
    await load.stop();
    for (const reader of readers) {
      await reader.settle();
      const numbers = numbersOf(reader);
      expect(numbers).toEqual(range(1, numbers.length));
      expect(aboutTheChat(reader).at(-1)).toMatchObject({ type: "chat_deleted" });
      await reader.close();
    }
    const kinds = new Set(load.replies.map(({ type, code }) => `${type} ${code ?? ""}`));
    expect([...kinds].sort()).toEqual(["ack ", "error not_found"]);
  }
}, 20_000);

describe("a leave frame", () => {
  test("under load ends the room's frames with its ack, and a join brings what was missed", async () => {
    const socket = await ben.joined(chatId);
    const load = await startLoad(ann, cat);
    for (let round = 1; round <= rounds; round += 1) {
      await socket.next("message", { seq: 15 * round });
      const ack = await socket.ask({ type: "leave", chat_id: chatId });
      const behind = socket.frames.slice(socket.frames.indexOf(ack));
      expect(behind.filter(({ type }) => type === "message")).toEqual([]);
      const seen = Math.max(...numbersOf(socket));
      await socket.ask({ type: "join", chat_id: chatId, after_seq: seen });
    }
    await load.stop();
    await socket.settle();
    const numbers = numbersOf(socket);
    expect(numbers).toEqual(range(1, numbers.length));
  });
});
