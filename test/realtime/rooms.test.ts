// Joining a room: no frame is lost between the replay and the live frames.
import { afterEach, beforeEach, describe, expect, jest, test } from "bun:test";
import { replayBytesMax, replayMax } from "../../src/wire/frames.ts";
import { activityTopic } from "../../src/realtime/topics.ts";
import { chatId, frame, gapMs, range, settle } from "./frames.ts";
import { begin, startWorld as start } from "./listeners.ts";

const ann = 1;
const ben = 2;

beforeEach(() => void jest.useFakeTimers());
afterEach(() => void jest.useRealTimers());

describe("a join", () => {
  test("is followed by all that is published after it", async () => {
    const world = start(5);
    const listener = world.listener(ann);
    expect(await world.join(listener)).toBe(true);
    world.publish();
    world.publish();
    expect(listener.heard).toEqual(["joined", 6, 7]);
    expect([...listener.joined]).toEqual([chatId]);
  });

  for (const opened of [false, true]) {
    const room = opened ? "an open room" : "a room that nobody had joined";
    test(`to ${room} brings what was published while it read the log, right after its greeting`, async () => {
      const world = start(5);
      if (opened) await world.join(world.listener(ben));
      const listener = world.listener(ann);
      const join = begin(world, listener);
      world.publish();
      world.publish();
      expect(listener.heard).toEqual([]);
      await join.end();
      world.publish();
      expect(listener.heard).toEqual(["joined", 6, 7, 8]);
    });
  }

  test("shows a message that comes meanwhile once to a merged socket that has not joined", async () => {
    const world = start(5);
    const list = world.listener(ben, true);
    list.subscribe(activityTopic(chatId));
    const join = begin(world, world.listener(ann));
    world.publish();
    expect(list.sent).toHaveLength(1);
    await join.end();
    world.publish();
    expect(list.sent).toHaveLength(2);
  });

  test("does not bring what the log had shown already, even if it is released meanwhile", async () => {
    const world = start(0);
    await world.join(world.listener(ben));
    world.log.lastSeq = 2;
    const listener = world.listener(ann);
    const join = begin(world, listener);
    world.realtime.toRoom(frame(1));
    world.realtime.toRoom(frame(2));
    world.publish();
    await join.end();
    expect(listener.heard).toEqual(["joined", 3]);
  });

  test("waits until the room has shown what was read, which is read from the log if it was lost", async () => {
    const world = start(0);
    const other = world.listener(ben);
    await world.join(other);
    world.log.lastSeq = 2;
    const listener = world.listener(ann);
    const ended = begin(world, listener).end();
    await settle();
    expect(listener.heard).toEqual([]);
    jest.advanceTimersByTime(gapMs);
    expect(await ended).toBe(true);
    expect(other.heard).toEqual(["joined", 1, 2, "user_joined"]);
    expect(listener.heard).toEqual(["joined"]);
  });

  test("repeated hears nothing live between its beginning and its greeting", async () => {
    const world = start(0);
    const listener = world.listener(ann);
    await world.join(listener);
    world.publish();
    const join = begin(world, listener);
    world.publish();
    expect(listener.heard).toEqual(["joined", 1]);
    await join.end();
    world.publish();
    expect(listener.heard).toEqual(["joined", 1, "joined", 2, 3]);
  });

  test("of two sockets at once brings each of them everything once", async () => {
    const world = start(0);
    const listeners = [world.listener(ann), world.listener(ann)];
    const [first, second] = listeners.map((listener) => begin(world, listener));
    world.publish();
    await first?.end();
    world.publish();
    await second?.end();
    world.publish();
    for (const listener of listeners) expect(listener.heard).toEqual(["joined", 1, 2, 3]);
  });

  test("is told to read again when another one, that has read further, opened the room", async () => {
    const world = start(0);
    const [first, second] = [world.listener(ann), world.listener(ben)];
    const late = begin(world, first);
    // Its frame comes only when the room counts it as shown.
    world.log.lastSeq = 1;
    const join = begin(world, second);
    expect(late.keptFrom).toBe(0);
    await join.end();
    world.realtime.toRoom(frame(1));
    world.publish();
    expect(late.keptFrom).toBe(1);
    await late.finish({ lastSeq: 1, memberCount: 2 }, (state) => first.greet(1, state));
    expect(first.heard).toEqual(["joined", 2]);
    expect(second.heard).toEqual(["joined", 2, "user_joined"]);
  });

  test("comes to its end also when the only other listener leaves meanwhile", async () => {
    const world = start(0);
    const [listener, other] = [world.listener(ann), world.listener(ben)];
    await world.join(other);
    const join = begin(world, listener);
    world.publish();
    world.rooms.leave(chatId, other);
    expect(await join.end()).toBe(true);
    world.publish();
    expect(listener.heard).toEqual(["joined", 1, 2]);
  });

  for (const [what, count, size] of [
    ["1,000 frames", replayMax + 1, 1],
    ["1 MiB", 20, replayBytesMax / 16],
  ] as const) {
    test(`during which more than ${what} are released has not kept them, and says how far the room is`, async () => {
      const world = start(0);
      await world.join(world.listener(ben));
      const listener = world.listener(ann);
      const join = begin(world, listener);
      const large = (number: number) => ({ ...frame(number), content: "x".repeat(size) });
      for (const _ of range(1, count)) world.publish(large);
      let state: unknown;
      await join.finish({ lastSeq: 0, memberCount: 2 }, (given) => (state = given));
      expect(state).toMatchObject({ missed: undefined, position: count });
      world.publish();
      expect(listener.heard).toEqual([count + 1]);
    });
  }

  test("that is given up leaves nothing behind", async () => {
    const world = start(0);
    begin(world, world.listener(ann)).cancel();
    expect(world.rooms.chatIds()).toEqual([]);
    const [listener, other] = [world.listener(ann), world.listener(ben)];
    await world.join(listener);
    await world.join(other);
    begin(world, listener).cancel();
    world.publish();
    expect(listener.hearsTheRoom).toBe(false);
    expect([...listener.joined]).toEqual([]);
    expect(other.heard).toEqual(["joined", "user_left", 1]);
  });

  test("of a socket that has closed meanwhile fails, and leaves nothing behind", async () => {
    const world = start(0);
    const listener = world.listener(ann);
    const join = begin(world, listener);
    listener.open = false;
    expect(await join.end()).toBe(false);
    expect(listener.heard).toEqual([]);
    expect(world.rooms.chatIds()).toEqual([]);
  });

  test("to a chat that is deleted meanwhile fails", async () => {
    const world = start(0);
    const other = world.listener(ben);
    await world.join(other);
    const listener = world.listener(ann);
    const join = begin(world, listener);
    world.rooms.end(chatId);
    expect(await join.end()).toBe(false);
    expect(listener.hearsTheRoom).toBe(false);
    expect(world.rooms.chatIds()).toEqual([]);
  });

  test("that waits for a lagging room fails when the chat is deleted", async () => {
    const world = start(0);
    await world.join(world.listener(ben));
    world.log.lastSeq = 1;
    const ended = begin(world, world.listener(ann)).end();
    world.rooms.end(chatId);
    expect(await ended).toBe(false);
  });
});
