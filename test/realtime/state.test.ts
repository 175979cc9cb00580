// Unnumbered frames of a room's state: nobody who is joining misses one, and nobody gets one that is newer than their removal.
import { afterEach, beforeEach, expect, jest, test } from "bun:test";
import type { ReadFrame } from "../../src/wire/list-frames.ts";
import { chatId, removal, settle } from "./frames.ts";
import { begin, startWorld as start } from "./listeners.ts";

const ann = 1;
const ben = 2;
const cat = 3;

beforeEach(() => void jest.useFakeTimers());
afterEach(() => void jest.useRealTimers());

const reads = (last_read_seq: number): ReadFrame => ({
  type: "read",
  chat_id: chatId,
  reads: [{ user_id: cat, last_read_seq, joined_seq: 0, read_at: null }],
});

type World = ReturnType<typeof start>;

/** Sends a frame of the state as it was when the log had reached `after`. */
function send({ realtime }: World, after: number, exceptUserIds = new Set<number>()) {
  realtime.toRoom(reads(after), { after, exceptUserIds, isState: true });
}

test("everybody who has joined gets it, except those that it is hidden from", async () => {
  const world = start(5);
  const [anns, bens] = [world.listener(ann), world.listener(ben, true)];
  for (const listener of [anns, bens]) await world.join(listener);
  send(world, 5);
  send(world, 5, new Set([ann]));
  expect(anns.heard.filter((type) => type === "read")).toHaveLength(1);
  expect(bens.heard.filter((type) => type === "read")).toHaveLength(2);
});

for (const opened of [false, true]) {
  test(`somebody who is joining ${opened ? "an open room" : "a room that nobody had joined"} gets it after the greeting, unless it is hidden from them`, async () => {
    const world = start(5);
    if (opened) await world.join(world.listener(cat));
    const [anns, bens] = [world.listener(ann), world.listener(ben)];
    const joins = [begin(world, anns), begin(world, bens)];
    send(world, 5, new Set([ben]));
    world.publish();
    send(world, 6, new Set([ben]));
    for (const join of joins) await join.end();
    const types = (heard: unknown[]) => heard.filter((type) => type !== "user_joined");
    expect(new Set(types(anns.heard))).toEqual(new Set(["joined", "read", 6]));
    expect(types(anns.heard).at(0)).toBe("joined");
    expect(anns.heard.filter((type) => type === "read")).toHaveLength(2);
    expect(types(bens.heard)).toEqual(["joined", 6]);
  });
}

test("it waits for its number, so that somebody who was removed before does not get it", async () => {
  const world = start(5);
  const [anns, bens] = [world.listener(ann), world.listener(ben)];
  for (const listener of [anns, bens]) await world.join(listener);
  world.log.lastSeq = 7;
  // The replies to the removal and to what follows come later than the frame.
  send(world, 7);
  world.realtime.toRoom(removal(7, ben));
  await settle();
  expect(anns.heard).not.toContain("read");
  world.realtime.toRoom(removal(6, cat));
  await settle();
  expect(anns.heard.slice(-4)).toEqual([6, 7, "user_left", "read"]);
  expect(bens.heard).not.toContain("read");
});

test("without anybody in the room it is sent to nobody", async () => {
  const world = start(5);
  const listener = world.listener(ann);
  send(world, 5);
  await world.join(listener);
  expect(listener.heard).toEqual(["joined"]);
});
