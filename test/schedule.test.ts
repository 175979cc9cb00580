import { expect, test } from "bun:test";
import { resting } from "../src/schedule.ts";

test("a task that rests leaves four intervals out when there was nothing to do, and none otherwise", async () => {
  const found = [true, true, false, true];
  let runs = 0;
  const task = resting(async () => found[runs++] ?? false);
  const runsAfter = async (intervals: number) => {
    for (let interval = 0; interval < intervals; interval += 1) await task();
    return runs;
  };
  expect(await runsAfter(3)).toBe(3);
  expect(await runsAfter(4)).toBe(3);
  expect(await runsAfter(1)).toBe(4);
  expect(await runsAfter(1)).toBe(5);
});

test("a task that fails does not rest", async () => {
  let runs = 0;
  const task = resting(async () => {
    runs += 1;
    throw new Error("the database is away");
  });
  for (let interval = 0; interval < 2; interval += 1) await task().catch(() => undefined);
  expect(runs).toBe(2);
});
