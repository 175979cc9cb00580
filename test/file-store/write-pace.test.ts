import { expect, test } from "bun:test";
import { WritePace } from "../../src/file-store/write-pace.ts";

function startPace() {
  let nowMs = 1_000;
  let waitedMs = 500;
  const pace = new WritePace({ nowMs: () => nowMs, withoutProcessorMs: () => waitedMs });
  /** @param withoutMs of them without a processor */
  const pass = (ms: number, withoutMs = 0) => {
    nowMs += ms;
    waitedMs += withoutMs;
  };
  return {
    pace,
    pass,
    write: (tookMs: number, withoutMs = 0) =>
      pace.timed(() => {
        pass(tookMs, withoutMs);
        return "written";
      }),
  };
}

test("fast writes stay on the event loop", () => {
  const { pace, write } = startPace();
  expect(pace.isSlow).toBe(false);
  for (const tookMs of [0, 1, 5]) expect(write(tookMs)).toBe("written");
  expect(pace.isSlow).toBe(false);
});

test("some slow writes stay on the event loop", () => {
  const { pace, pass, write } = startPace();
  write(50);
  expect(pace.isSlow).toBe(false);
  pass(1_000);
  write(50);
  expect(pace.isSlow).toBe(false);
});

test("the threads write until no more than a twentieth of the time and 50 ms are lost", () => {
  const { pace, pass, write } = startPace();
  write(60);
  expect(pace.isSlow).toBe(true);
  pass(199);
  expect(pace.isSlow).toBe(true);
  pass(1);
  expect(pace.isSlow).toBe(false);
  write(6);
  expect(pace.isSlow).toBe(true);
});

test("slow writes add up", () => {
  const { pace, pass, write } = startPace();
  write(30);
  pass(100);
  write(30);
  expect(pace.isSlow).toBe(true);
  pass(69);
  expect(pace.isSlow).toBe(true);
  pass(1);
  expect(pace.isSlow).toBe(false);
});

test("after a write that took for ever, the event loop tries again in a minute", () => {
  const { pace, pass, write } = startPace();
  write(3_600_000);
  pass(59_999);
  expect(pace.isSlow).toBe(true);
  pass(1);
  expect(pace.isSlow).toBe(false);
});

test("a write that waited for a processor is not slow", () => {
  const { pace, pass, write } = startPace();
  write(200, 196);
  expect(pace.isSlow).toBe(false);
  pass(1_000, 900);
  write(200, 140);
  expect(pace.isSlow).toBe(true);
});

test("of a slow write, the time that it waited for a processor does not count", () => {
  const { pace, pass, write } = startPace();
  write(80, 20);
  pass(199);
  expect(pace.isSlow).toBe(true);
  pass(1);
  expect(pace.isSlow).toBe(false);
});

test("what an earlier write waited for a processor does not excuse a slow one", () => {
  const { pace, pass, write } = startPace();
  write(80, 80);
  pass(1);
  write(60);
  expect(pace.isSlow).toBe(true);
});

test("a write during which the thread sleeps is slow, by the clocks of the operating system", () => {
  const pace = new WritePace();
  pace.timed(() => Bun.sleepSync(60));
  expect(pace.isSlow).toBe(true);
});

test("a write that fails is not timed", () => {
  const { pace } = startPace();
  expect(() =>
    pace.timed(() => {
      throw new Error("no space");
    }),
  ).toThrow("no space");
  expect(pace.isSlow).toBe(false);
});

test("a time without a processor that can't be read once is that of before", () => {
  let nowMs = 1_000;
  let waitedMs: number | undefined = 500;
  const pace = new WritePace({ nowMs: () => nowMs, withoutProcessorMs: () => waitedMs });
  pace.timed(() => {
    nowMs += 6;
    waitedMs = undefined;
  });
  expect(pace.isSlow).toBe(false);
});
