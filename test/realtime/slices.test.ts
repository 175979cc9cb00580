// A room whose sockets are in several slices: each of them receives the same frames in the same order.
import { describe, expect, test } from "bun:test";
import type { UserFrame } from "../../src/wire/list-frames.ts";
import { activityTopic } from "../../src/realtime/topics.ts";
import { chatId, frame, range, removal } from "./frames.ts";
import { begin, startWorld, type TestListener } from "./listeners.ts";

const sliceMax = 2;
const turn = () => new Promise<void>((resolve) => void setImmediate(resolve));

async function turns(count: number) {
  for (const _ of range(1, count)) await turn();
}

async function filled(count: number) {
  const world = startWorld(0, { memberCount: 1_000, sliceMax });
  const listeners = range(1, count).map((userId) => world.listener(userId));
  for (const listener of listeners) await world.join(listener);
  return { world, listeners };
}

const numbers = ({ heard }: TestListener) => heard.filter((entry) => typeof entry === "number");

const typing = (user_id: number) =>
  ({ type: "typing", chat_id: chatId, user_id, username: `user${user_id}` }) as const;

test("a frame reaches one slice a turn, and every socket once", async () => {
  const { world, listeners } = await filled(7);
  world.publish();
  const reached = () => listeners.filter((listener) => numbers(listener).length > 0).length;
  expect(reached()).toBe(2);
  await turn();
  expect(reached()).toBeLessThan(7);
  await turns(4);
  for (const listener of listeners) expect(numbers(listener)).toEqual([1]);
});

test("frames that come faster than the turns keep their order, and reach everybody", async () => {
  const { world, listeners } = await filled(9);
  for (const _ of range(1, 20)) {
    world.publish();
    world.publish();
    await turn();
  }
  await turns(10);
  for (const listener of listeners) expect(numbers(listener)).toEqual(range(1, 40));
});

test("more frames than may wait reach everybody at once", async () => {
  const { world, listeners } = await filled(5);
  for (const _ of range(1, 258)) world.publish();
  const [fewest] = listeners.map((listener) => numbers(listener).length).toSorted((a, b) => a - b);
  expect(fewest).toBeGreaterThan(250);
  await turns(4);
  for (const listener of listeners) expect(numbers(listener)).toEqual(range(1, 258));
});

describe("between two turns of a frame", () => {
  test("somebody who joins does not receive it twice, and everything after it", async () => {
    const { world } = await filled(5);
    world.publish();
    const joins = range(6, 11).map((userId) => world.listener(userId));
    for (const listener of joins) await world.join(listener);
    world.publish();
    await turns(8);
    for (const listener of joins) expect(numbers(listener)).toEqual([2]);
  });

  test("somebody whose join was under way gets it after the greeting", async () => {
    const { world } = await filled(5);
    const late = world.listener(6);
    const join = begin(world, late);
    world.publish();
    await join.end();
    world.publish();
    await turns(6);
    expect(late.heard.slice(0, 3)).toEqual(["joined", 1, 2]);
    expect(numbers(late)).toEqual([1, 2]);
  });

  test("somebody who leaves has received it, and receives nothing more of the room", async () => {
    const { world, listeners } = await filled(5);
    const last = listeners[4];
    world.publish();
    if (last) world.rooms.leave(chatId, last);
    world.publish();
    await turns(5);
    expect(last && numbers(last)).toEqual([1]);
    for (const listener of listeners.slice(0, 4)) expect(numbers(listener)).toEqual([1, 2]);
  });

  test("somebody who is removed receives their removal, then the notice of it, then nothing", async () => {
    const { world, listeners } = await filled(5);
    world.publish();
    world.log.lastSeq = 3;
    world.realtime.toRoom(removal(2, 5));
    const notice: UserFrame = {
      type: "removed_from_chat",
      chat_id: chatId,
      notification: "You were removed.",
    };
    world.realtime.toUser(5, notice, { chatId, seq: 2 });
    world.realtime.toRoom(frame(3));
    await turns(5);
    const types = listeners[4]?.sent.map(({ type }) => type);
    expect(types).toEqual(["joined", "message", "participant_removed", "removed_from_chat"]);
  });

  test("a notice of a number follows it", async () => {
    const { world, listeners } = await filled(5);
    world.publish();
    const notice: UserFrame = { type: "chat_deleted", chat_id: chatId, notification: "Gone." };
    world.realtime.toUser(5, notice, { chatId, seq: 1 });
    expect(listeners[4]?.heard).toEqual(["joined", 1, "chat_deleted"]);
  });

  test("a mention follows its message", async () => {
    const { world, listeners } = await filled(5);
    world.publish();
    const mention = { type: "mention", chat_id: chatId, message_id: 1, seq: 1 } as const;
    world.realtime.toUsers([4, 5], { ...mention, username: "user1", preview: "@all" }, 1);
    for (const listener of listeners.slice(3)) {
      expect(listener.heard).toEqual(["joined", 1, "mention"]);
    }
  });

  test("the end of the room comes after it", async () => {
    const { world, listeners } = await filled(5);
    world.publish();
    world.rooms.end(chatId);
    for (const listener of listeners) {
      expect(numbers(listener)).toEqual([1]);
      expect(listener.hearsTheRoom).toBe(false);
    }
    await turns(3);
    for (const listener of listeners) expect(numbers(listener)).toEqual([1]);
  });

  test("a merged socket that joins once more is greeted after it", async () => {
    const { world } = await filled(5);
    const merged = world.listener(6, true);
    await world.join(merged);
    world.publish();
    expect(world.rooms.rejoined(chatId, merged)).toMatchObject({ position: 1, onlineCount: 6 });
    expect(numbers(merged)).toEqual([1]);
    await turns(5);
    expect(numbers(merged)).toEqual([1]);
  });
});

test("typing reaches every slice, and none of the typist's sockets", async () => {
  const { world, listeners } = await filled(6);
  const second = world.listener(6);
  await world.join(second);
  world.realtime.toRoom(typing(6), { exceptUserId: 6 });
  await turns(5);
  const heardTyping = (listener: TestListener) => listener.heard.includes("typing");
  expect(listeners.map(heardTyping)).toEqual([true, true, true, true, true, false]);
  expect(heardTyping(second)).toBe(false);
});

test("slices that are left empty are given up, and the room closes when the last socket has left", async () => {
  const { world, listeners } = await filled(7);
  for (const listener of listeners) world.rooms.leave(chatId, listener);
  expect(world.rooms.chatIds()).toEqual([]);
  for (const listener of listeners) {
    listener.subscribe(activityTopic(chatId));
    await world.join(listener);
  }
  world.publish();
  await turns(6);
  for (const listener of listeners) expect(numbers(listener)).toEqual([1]);
});

test("in whatever order people join, leave and frames come, nobody misses a number or gets one twice", async () => {
  let seed = 11;
  const random = (below: number) => {
    seed = (seed * 1_103_515_245 + 12_345) % 2 ** 31;
    return Math.floor((seed / 2 ** 31) * below);
  };
  const { world, listeners } = await filled(12);
  const expected = new Map(listeners.map((listener) => [listener, [] as number[]]));
  for (const _ of range(1, 3_000)) {
    const listener = listeners[random(listeners.length)];
    if (!listener) continue;
    const what = random(10);
    if (what < 4) {
      world.publish();
      for (const [other, heard] of expected) {
        if (other.joined.has(chatId)) heard.push(world.log.lastSeq);
      }
    } else if (what < 6) await turn();
    else if (listener.joined.has(chatId)) world.rooms.leave(chatId, listener);
    else await world.join(listener);
  }
  await turns(12);
  for (const [listener, heard] of expected) expect(numbers(listener)).toEqual(heard);
});
