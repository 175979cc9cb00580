// People who come and go in large rooms: what is sent of them, and that everybody knows in the end who is there.
import { afterEach, beforeEach, describe, expect, jest, test } from "bun:test";
import { onlineMax } from "../../src/wire/frames.ts";
import { chatId, range } from "./frames.ts";
import { begin, startWorld, type TestListener } from "./listeners.ts";

const intervalMs = 1_000;
const members = onlineMax + 1;

beforeEach(() => void jest.useFakeTimers());
afterEach(() => void jest.useRealTimers());

const start = (memberCount = members) => startWorld(0, { memberCount, sliceMax: 1_000 });
type World = ReturnType<typeof start>;

async function joined(world: World, userId: number, more?: number): Promise<TestListener> {
  const listener = world.listener(userId);
  await world.join(listener, more);
  return listener;
}

function leave(world: World, listener: TestListener) {
  listener.sent.push({ type: "left the room" });
  world.rooms.leave(chatId, listener);
}

const pass = () => jest.advanceTimersByTime(intervalMs);
const changes = ({ sent }: TestListener) => sent.filter(({ type }) => type === "presence_changed");
const person = (user_id: number) => ({ user_id, username: `user${user_id}` });

/** The people whom a client shows as online, and their number. */
function shown({ sent }: TestListener): { userIds: number[]; count: unknown } {
  const ids = (people: unknown) =>
    Array.isArray(people) ? people.map(({ user_id }) => Number(user_id)) : [];
  let userIds = new Set<number>();
  let count: unknown;
  for (const frame of sent) {
    if (frame.type === "joined") {
      userIds = new Set(ids(frame.online));
      count = frame.onlineCount;
    } else if (frame.type === "presence_changed") {
      for (const id of ids(frame.left)) userIds.delete(id);
      for (const id of ids(frame.joined)) userIds.add(id);
      count = frame.online_count;
    }
  }
  return { userIds: [...userIds].toSorted((a, b) => a - b), count };
}

describe("500 people who join a large room within a second", () => {
  test("are sent one frame each, and know in the end who is there", async () => {
    const world = start(2_000);
    const listeners: TestListener[] = [];
    for (const userId of range(1, 500)) listeners.push(await joined(world, userId));
    const greeting = listeners.at(-1)?.sent[0];
    expect(greeting).toMatchObject({ type: "joined", onlineCount: 500 });
    pass();
    pass();
    for (const listener of listeners) {
      expect(listener.heard).toEqual(["joined", "presence_changed"]);
      expect(shown(listener)).toEqual({ userIds: range(1, 500), count: 500 });
    }
  });

  test("are told of as many more in the second after, since a list names 500", async () => {
    const world = start(2_000);
    const first = await joined(world, 1);
    for (const userId of range(2, 900)) await joined(world, userId);
    pass();
    expect(changes(first)).toMatchObject([{ online_count: 900 }]);
    expect(shown(first).userIds.length).toBe(501);
    pass();
    pass();
    expect(changes(first).length).toBe(2);
    expect(shown(first)).toEqual({ userIds: range(1, 900), count: 900 });
  });
});

test("the greeting lists 100 people, its receiver among them, and counts all", async () => {
  const world = start();
  for (const userId of range(1, 150)) await joined(world, userId);
  const [greeting] = (await joined(world, 151)).sent;
  expect(greeting).toMatchObject({ onlineCount: 151 });
  expect(greeting?.online).toEqual([...range(1, 99), 151].map(person));
});

test("somebody who comes and leaves within the interval is in neither list", async () => {
  const world = start();
  const reader = await joined(world, 1);
  leave(world, await joined(world, 2));
  pass();
  expect(changes(reader)).toEqual([]);
  leave(world, await joined(world, 2));
  await joined(world, 3);
  pass();
  expect(changes(reader)).toEqual([
    { type: "presence_changed", chat_id: chatId, joined: [person(3)], left: [], online_count: 2 },
  ]);
});

test("somebody who leaves and comes back within the interval is in neither list", async () => {
  const world = start();
  const reader = await joined(world, 1);
  const other = await joined(world, 2);
  pass();
  leave(world, other);
  await world.join(other);
  pass();
  expect(changes(reader).length).toBe(1);
});

test("somebody whom a greeting has named is told gone, however short they were there", async () => {
  const world = start();
  const [reader, passing] = [await joined(world, 1), await joined(world, 2)];
  const late = await joined(world, 3);
  leave(world, passing);
  pass();
  for (const listener of [reader, late]) {
    expect(changes(listener)).toMatchObject([{ left: [person(2)], online_count: 2 }]);
    expect(shown(listener)).toEqual({ userIds: [1, 3], count: 2 });
  }
});

test("a second socket of a person tells nothing, and neither does one of two that leaves", async () => {
  const world = start();
  const [reader, first] = [await joined(world, 1), await joined(world, 2)];
  pass();
  const second = await joined(world, 2);
  leave(world, first);
  pass();
  expect(changes(reader).length).toBe(1);
  leave(world, second);
  pass();
  expect(shown(reader)).toEqual({ userIds: [1], count: 1 });
});

test("nothing is left over for somebody whose join ends after all others have left", async () => {
  const world = start();
  const first = await joined(world, 1);
  const reader = world.listener(2);
  const join = begin(world, reader);
  leave(world, first);
  await join.finish({ lastSeq: 0, memberCount: members }, (state) => reader.greet(0, state));
  pass();
  pass();
  expect(reader.heard).toEqual(["joined"]);
});

test("a room of 100 participants is told of each person at once", async () => {
  const world = start(onlineMax);
  const reader = await joined(world, 1);
  leave(world, await joined(world, 2));
  expect(reader.heard).toEqual(["joined", "user_joined", "user_left"]);
  expect(reader.sent[0]).toMatchObject({ onlineCount: 1 });
});

test("a room that shrinks sends what was gathered before it tells of single people again", async () => {
  const world = start();
  const reader = await joined(world, 1);
  await joined(world, 2);
  const third = await joined(world, 3, onlineMax);
  pass();
  expect(changes(reader)).toMatchObject([{ joined: [person(2), person(3)] }]);
  leave(world, third);
  expect(reader.heard).toEqual(["joined", "presence_changed", "user_left"]);
});

test("whoever comes and goes in whatever order, everybody who is there knows the others", async () => {
  // A linear congruential generator, so that a failure can be repeated.
  let seed = 7;
  const random = (below: number) => {
    seed = (seed * 1_103_515_245 + 12_345) % 2 ** 31;
    return Math.floor((seed / 2 ** 31) * below);
  };
  const world = start();
  const listeners = range(1, 40).map((userId) => world.listener(1 + (userId % 30)));
  for (const _ of range(1, 3_000)) {
    const listener = listeners[random(listeners.length)];
    if (!listener) continue;
    if (random(25) === 0) pass();
    else if (listener.joined.has(chatId)) leave(world, listener);
    else await world.join(listener);
  }
  pass();
  const there = listeners.filter((listener) => listener.joined.has(chatId));
  const userIds = [...new Set(there.map(({ userId }) => userId))].toSorted((a, b) => a - b);
  expect(there.length).toBeGreaterThan(10);
  for (const listener of there) expect(shown(listener)).toEqual({ userIds, count: userIds.length });
});
