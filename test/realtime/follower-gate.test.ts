// A person who follows a chat is told nothing that has a number above their removal, whichever server has removed them.
import { expect, test } from "bun:test";
import { FollowerGate, type ChatMembers } from "../../src/realtime/follower-gate.ts";
import { silent } from "./frames.ts";

const chatId = 7;

/** A chat with followers, whose people are read when the test says so. */
function startGate(userIds: number[]) {
  const following = new Set(userIds);
  const told: string[] = [];
  const asked: (number | undefined)[] = [];
  const replies: PromiseWithResolvers<ChatMembers | undefined>[] = [];
  const gate = new FollowerGate({
    read(_, known) {
      asked.push(known);
      const reply = Promise.withResolvers<ChatMembers | undefined>();
      replies.push(reply);
      return reply.promise;
    },
    followersOf: () =>
      Array.from(following, (userId) => ({
        userId,
        unfollow: () => void following.delete(userId),
      })),
    hasFollowers: () => following.size > 0,
    log: silent,
  });
  return {
    gate,
    following,
    told,
    asked,
    tell: (name: string, seq: number, members?: number) =>
      gate.pass(chatId, { seq, members }, () => void told.push(`${name} to ${[...following]}`)),
    async reply(lastSeq: number, members: number, people?: number[]) {
      replies.shift()?.resolve({ lastSeq, members, userIds: people && new Set(people) });
      await Bun.sleep(0);
    },
  };
}

test("the first text waits for a reading, and later ones pass while nobody has come or gone", async () => {
  const { told, asked, tell, reply } = startGate([1, 2]);
  tell("a", 5, 3);
  expect(told).toEqual([]);
  await reply(5, 3, [1, 2]);
  tell("b", 6, 3);
  tell("c", 5);
  expect(told).toEqual(["a to 1,2", "b to 1,2", "c to 1,2"]);
  expect(asked).toEqual([undefined]);
});

test("a text after a change of the people waits, and who was removed does not get it", async () => {
  const { told, asked, tell, reply } = startGate([1, 2]);
  tell("a", 5, 3);
  await reply(5, 3, [1, 2]);
  tell("b", 7, 6);
  tell("c", 8, 6);
  expect(told).toHaveLength(1);
  await reply(8, 6, [1]);
  expect(told.slice(1)).toEqual(["b to 1", "c to 1"]);
  expect(asked).toEqual([undefined, 3]);
});

test("a text whose number is newer than the reading waits for another one", async () => {
  const { told, tell, reply } = startGate([1, 2]);
  tell("a", 9);
  await reply(8, 6, [1, 2]);
  expect(told).toEqual([]);
  await reply(9, 9, [2]);
  expect(told).toEqual(["a to 2"]);
});

test("chats whose followers have brought the number of the last change need no reading", async () => {
  const { gate, told, asked, tell } = startGate([1, 2]);
  gate.followed(chatId, 1, 3);
  gate.followed(chatId, 2, 4);
  tell("a", 9, 3);
  expect([told, asked]).toEqual([["a to 1,2"], []]);
  tell("b", 9, 4);
  expect([told, asked]).toEqual([["a to 1,2"], [3]]);
});

test("who begins to follow from an older list is checked before the next text", async () => {
  const { gate, following, told, asked, tell, reply } = startGate([1]);
  tell("a", 8, 6);
  await reply(8, 6, [1]);
  following.add(2);
  gate.followed(chatId, 2, 3);
  tell("b", 8, 6);
  expect(asked).toEqual([undefined, 3]);
  await reply(8, 6, [1]);
  expect(told).toEqual(["a to 1", "b to 1"]);
});

test("who begins to follow, nobody knows since when, is checked before the next text", async () => {
  const { gate, following, told, asked, tell, reply } = startGate([1]);
  gate.followed(chatId, 1, 3);
  following.add(2);
  gate.followed(chatId, 2, undefined);
  tell("a", 5, 3);
  expect(asked).toEqual([undefined]);
  await reply(5, 3, [1]);
  expect(told).toEqual(["a to 1"]);
});

test("who begins to follow from a list as new as the reading needs no check", async () => {
  const { gate, following, told, asked, tell, reply } = startGate([1]);
  tell("a", 5, 3);
  await reply(5, 3, [1]);
  following.add(2);
  gate.followed(chatId, 2, 3);
  tell("b", 6, 3);
  expect(told).toEqual(["a to 1", "b to 1,2"]);
  expect(asked).toHaveLength(1);
});

test("a chat that nobody followed for a while is known by its next follower", async () => {
  const { gate, following, told, asked, tell, reply } = startGate([1]);
  tell("a", 5, 3);
  await reply(5, 3, [1]);
  following.delete(1);
  gate.forget(chatId);
  following.add(2);
  gate.followed(chatId, 2, 7);
  tell("b", 8, 7);
  expect(told).toEqual(["a to 1", "b to 2"]);
  expect(asked).toHaveLength(1);
});

test("who is asked in while the people are read is not taken out, and is read once more", async () => {
  const { gate, following, told, asked, tell, reply } = startGate([1]);
  tell("a", 5, 3);
  following.add(2);
  gate.followed(chatId, 2, undefined);
  await reply(5, 3, [1]);
  expect([told, [...following]]).toEqual([[], [1, 2]]);
  await reply(6, 6, [1, 2]);
  expect(told).toEqual(["a to 1,2"]);
  expect(asked).toEqual([undefined, undefined]);
});

test("who comes from an older list while the people are read is read once more", async () => {
  const { gate, following, told, asked, tell, reply } = startGate([1]);
  tell("a", 8, 6);
  following.add(2);
  gate.followed(chatId, 2, 3);
  await reply(8, 6, [1]);
  expect([told, [...following]]).toEqual([[], [1, 2]]);
  await reply(8, 6, [1]);
  expect(told).toEqual(["a to 1"]);
  expect(asked).toEqual([undefined, 3]);
});

test("a chat that is gone, and one without followers, are not read for ever", async () => {
  const { following, told, asked, tell, reply } = startGate([1]);
  tell("a", 5);
  following.clear();
  await reply(4, 4, []);
  tell("b", 6);
  expect(asked).toHaveLength(1);
  expect(told).toEqual(["b to "]);
});
