// A number that doesn't come is read from the log.
import { afterEach, beforeEach, expect, jest, test } from "bun:test";
import { createLog, gapMs, range, settle, startSequencer as start } from "./frames.ts";

beforeEach(() => void jest.useFakeTimers());
afterEach(() => void jest.useRealTimers());

test("a gap is read from the log when it has stayed for 250 ms, and not before", async () => {
  const { log, offer, out, pass } = start(0, createLog(4));
  offer(1, 4);
  await pass(gapMs - 1);
  expect(log.reads).toEqual([]);
  await pass(1);
  expect(log.reads).toEqual([{ after: 1, limit: expect.any(Number) }]);
  expect(out).toEqual([1, 2, 3, 4]);
  await pass(10 * gapMs);
  expect(log.reads.length).toBe(1);
});

test("a gap that closes in time is not read", async () => {
  const { log, offer, out, pass } = start(0, createLog(9));
  offer(2);
  await pass(gapMs - 1);
  offer(1);
  await pass(gapMs);
  expect(out).toEqual([1, 2]);
  expect(log.reads).toEqual([]);
});

test("a gap that follows on another one has 250 ms of its own", async () => {
  const { log, offer, pass } = start(0, createLog(9));
  offer(2, 4);
  await pass(gapMs - 1);
  offer(1);
  await pass(1);
  expect(log.reads).toEqual([]);
  await pass(gapMs);
  expect(log.reads).toMatchObject([{ after: 2 }]);
});

test("a gap at the end is noticed when the log is said to reach further", async () => {
  const { sequencer, log, offer, out, pass } = start(0, createLog(3));
  offer(1);
  sequencer.expect(1);
  await pass(2 * gapMs);
  expect(log.reads).toEqual([]);
  sequencer.expect(3);
  await pass(gapMs);
  expect(out).toEqual([1, 2, 3]);
});

test("a gap at the end that was told before the start is noticed too", async () => {
  const { sequencer, out, pass } = start("later", createLog(3));
  sequencer.expect(3);
  await pass(2 * gapMs);
  sequencer.start(1);
  await pass(gapMs);
  expect(out).toEqual([2, 3]);
});

test("a gap of numbers that left no trace is passed over", async () => {
  const log = createLog(6);
  log.traceless.add(2).add(5).add(6);
  const { sequencer, offer, out, pass } = start(0, log);
  offer(1, 4);
  sequencer.expect(6);
  await pass(gapMs);
  await pass(gapMs);
  expect(out).toEqual([1, 3, 4]);
  expect(sequencer.position).toBe(6);
});

test("a gap whose frames come after all changes nothing any more", async () => {
  const { offer, out, pass } = start(0, createLog(3));
  offer(3);
  await pass(gapMs);
  offer(1, 2);
  expect(out).toEqual([1, 2, 3]);
});

test("a gap is tried again every 250 ms while the log can't be read", async () => {
  const { log, offer, out, pass } = start(0, createLog(2));
  log.fail(3);
  offer(2);
  for (const reads of [1, 2, 3]) {
    await pass(gapMs);
    expect(log.reads.length).toBe(reads);
    expect(out).toEqual([]);
  }
  await pass(gapMs);
  expect(out).toEqual([1, 2]);
});

test("what waits for a number that is read from the log is called in the turn in which the number leaves", async () => {
  const { sequencer, offer, pass, log } = start(0, createLog(3));
  const positions: unknown[] = [];
  const called: unknown[] = [];
  sequencer.callAfter(2, () => called.push(sequencer.position));
  offer(3);
  const held = log.hold();
  await pass(gapMs);
  held.open();
  for (let turn = 0; turn < 20 && called.length === 0; turn += 1) {
    await Promise.resolve();
    if (called.length === 0) positions.push(sequencer.position);
  }
  expect(called).toEqual([3]);
  // In no turn had the number left without the call.
  expect(new Set(positions)).toEqual(new Set([0]));
});

test("a frame that waits behind a gap leaves in the turn in which the gap closes, with the text that goes ahead of it", async () => {
  const { sequencer, offer, out, pass } = start(0, createLog(3));
  const called: unknown[] = [];
  sequencer.offerAfter(3, "whole text");
  offer(4);
  sequencer.callAfter(2, () => called.push([...out]));
  await pass(gapMs);
  expect(called).toEqual([[1, 2, 3, "whole text", 4]]);
});

test("a gap of any size is read page by page", async () => {
  const { log, offer, out, pass } = start(0, createLog(1_700));
  offer(1_700);
  for (let turn = 0; turn < 4; turn += 1) await pass(gapMs);
  expect(out).toEqual(range(1, 1_700));
  expect(log.reads.map(({ after }) => after)).toEqual([0, 500, 1_000, 1_500]);
});

test("a gap that closes while it is read, and what comes meanwhile, leaves once and in order", async () => {
  const { log, offer, out, pass } = start(0, createLog(3));
  const held = log.hold();
  offer(3);
  await pass(gapMs);
  log.lastSeq = 6;
  offer(1, 2, 4, 6);
  expect(out).toEqual([1, 2, 3, 4]);
  held.open();
  await settle();
  offer(5);
  expect(out).toEqual([1, 2, 3, 4, 5, 6]);
});

test("a gap is not read twice at once", async () => {
  const { log, offer, out, pass } = start(0, createLog(3));
  const held = log.hold();
  offer(3);
  await pass(gapMs);
  offer(2);
  await pass(10 * gapMs);
  expect(log.reads.length).toBe(1);
  held.open();
  await settle();
  expect(out).toEqual([1, 2, 3]);
});

test("a gap that is being read at the end releases nothing", async () => {
  const { sequencer, log, offer, out, pass } = start(0, createLog(3));
  const held = log.hold();
  offer(3);
  await pass(gapMs);
  sequencer.close();
  held.open();
  await pass(gapMs);
  expect(out).toEqual([]);
});

test("frames that came before don't use up what may be kept behind a gap", async () => {
  const { log, offer, out } = start(0, createLog(1_502));
  offer(...range(1, 1_500), ...range(1, 1_500), 1_502, 1_501);
  expect(out).toEqual(range(1, 1_502));
  expect(log.reads).toEqual([]);
});

test("a gap keeps 1,000 frames in memory, the others are read from the log", async () => {
  const { log, offer, out, pass } = start(0, createLog(1_200));
  offer(...range(2, 1_200));
  offer(1);
  expect(out).toEqual(range(1, 1_001));
  await pass(gapMs);
  await pass(gapMs);
  expect(out).toEqual(range(1, 1_200));
  expect(log.reads).toMatchObject([{ after: 1_001 }]);
});

test("a number that the log does not have is not looked for again and again", async () => {
  const { sequencer, log, offer, out, pass } = start(0, createLog(1));
  offer(1);
  sequencer.expect(9_000_000);
  await pass(10 * gapMs);
  expect(log.reads).toHaveLength(1);
  log.lastSeq = 2;
  offer(2);
  await pass(10 * gapMs);
  expect(out).toEqual([1, 2]);
  expect(log.reads).toHaveLength(1);
});

test("frames and texts behind numbers that the log does not have are forgotten, and looked for once", async () => {
  const { sequencer, log, offer, out, pass } = start(0, createLog(1));
  offer(1);
  offer(...range(Number.MAX_SAFE_INTEGER - 999, Number.MAX_SAFE_INTEGER));
  for (const number of range(2_001, 3_000)) sequencer.offerAfter(number, "made up");
  expect(sequencer.waitingCount).toBe(2_000);
  await pass(10 * gapMs);
  expect(sequencer.waitingCount).toBe(0);
  expect(log.reads).toHaveLength(1);
  log.lastSeq = 4;
  sequencer.offerAfter(2, "text");
  offer(4, 3, 2);
  expect(out).toEqual([1, 2, "text", 3, 4]);
  await pass(10 * gapMs);
  expect(log.reads).toHaveLength(1);
});

test("what comes while the log is read is kept, although the log did not have it", async () => {
  const { log, offer, out, pass } = start(0, createLog(2));
  const held = log.hold();
  offer(2, 1_000);
  await pass(gapMs);
  offer(4, 5);
  held.open();
  await settle();
  offer(3);
  expect(out).toEqual([1, 2, 3, 4, 5]);
});

test("a text that waits for a number which does not come has the log read", async () => {
  const { sequencer, out, pass } = start(0, createLog(2));
  sequencer.offerAfter(2, "text");
  await pass(gapMs);
  expect(out).toEqual([1, 2, "text"]);
});
