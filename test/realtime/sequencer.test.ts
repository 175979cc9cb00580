// A chat's durable frames leave in the order of their numbers, whatever order they come in.
import { afterEach, beforeEach, describe, expect, jest, test } from "bun:test";
import { createLog, gapMs, range, settle, startSequencer as start } from "./frames.ts";

beforeEach(() => void jest.useFakeTimers());
afterEach(() => void jest.useRealTimers());

describe("order", () => {
  test("frames that come in order leave at once", () => {
    const { sequencer, offer, out } = start();
    offer(1);
    expect(out).toEqual([1]);
    offer(2, 3);
    expect(out).toEqual([1, 2, 3]);
    expect(sequencer.position).toBe(3);
  });

  test("a number waits for the ones before it", () => {
    const { offer, out } = start();
    offer(3, 5, 2);
    expect(out).toEqual([]);
    offer(1);
    expect(out).toEqual([1, 2, 3]);
    offer(4);
    expect(out).toEqual([1, 2, 3, 4, 5]);
  });

  test("a number leaves once, offered again before or after it left", () => {
    const { offer, out } = start();
    offer(2, 2, 1, 1, 2, 3, 1);
    expect(out).toEqual([1, 2, 3]);
  });

  test("nothing leaves before the start, then what is above it and nothing else", () => {
    const { sequencer, offer, out } = start("later");
    offer(4, 6, 7);
    expect(out).toEqual([]);
    expect(sequencer.position).toBeUndefined();
    sequencer.start(5);
    expect(out).toEqual([6, 7]);
    sequencer.start(1);
    expect(sequencer.position).toBe(7);
  });

  test("nothing leaves after the end", async () => {
    const { sequencer, log, offer, out, pass } = start(0, createLog(9));
    offer(1, 3);
    sequencer.close();
    offer(2, 4);
    sequencer.offerAfter(1, "chunk");
    await pass(10 * gapMs);
    expect(out).toEqual([1]);
    expect(log.reads).toEqual([]);
  });
});

describe("passing frames", () => {
  test("leave at once behind a number that has left, and else right behind it", () => {
    const { sequencer, offer, out } = start();
    offer(1);
    sequencer.offerAfter(1, "a");
    sequencer.offerAfter(3, "c");
    sequencer.offerAfter(3, "d");
    sequencer.offerAfter(2, "b");
    offer(4, 3);
    expect(out).toEqual([1, "a"]);
    offer(2);
    expect(out).toEqual([1, "a", 2, "b", 3, "c", "d", 4]);
  });

  test("don't overtake a number that is read from the log, or one that left no trace", async () => {
    const log = createLog(3);
    log.traceless.add(2);
    const { sequencer, offer, out, pass } = start(0, log);
    offer(3);
    sequencer.offerAfter(1, "a");
    sequencer.offerAfter(2, "b");
    await pass(gapMs);
    expect(out).toEqual([1, "a", "b", 3]);
  });

  test("behind what the start counts as released are dropped: who joined has them another way", () => {
    const { sequencer, offer, out } = start("later");
    sequencer.offerAfter(5, "old");
    sequencer.offerAfter(6, "new");
    offer(6);
    sequencer.start(5);
    expect(out).toEqual([6, "new"]);
  });

  test("are kept behind a gap up to 1,000", () => {
    const { sequencer, offer, out } = start();
    for (const n of range(1, 1_100)) sequencer.offerAfter(1, `chunk ${n}`);
    offer(1);
    expect(out).toEqual([1, ...range(1, 1_000).map((n) => `chunk ${n}`)]);
    sequencer.offerAfter(2, "more");
    offer(2);
    expect(out.at(-1)).toBe("more");
  });
});

describe("reach", () => {
  const settled = async (promise: Promise<void>) => {
    let done = false;
    void promise.then(() => (done = true));
    await settle();
    return done;
  };

  test("settles at once for what has left, and else when it leaves", async () => {
    const { sequencer, offer } = start();
    offer(1);
    expect(await settled(sequencer.reach(1))).toBe(true);
    const later = sequencer.reach(3);
    offer(2);
    expect(await settled(later)).toBe(false);
    offer(3);
    expect(await settled(later)).toBe(true);
  });

  test("has what never came read from the log", async () => {
    const { sequencer, out, pass } = start(0, createLog(2));
    const reached = sequencer.reach(2);
    expect(await settled(reached)).toBe(false);
    await pass(gapMs);
    expect(await settled(reached)).toBe(true);
    expect(out).toEqual([1, 2]);
  });

  test("settles with the end", async () => {
    const { sequencer } = start();
    const reached = sequencer.reach(1);
    sequencer.close();
    expect(await settled(reached)).toBe(true);
    expect(await settled(sequencer.reach(9))).toBe(true);
  });
});
