// Tests of the whole system that take long have a short form for `bun run check`, or are left out of it if shorter tests are
// about the same. `bun run check:long` plays what `bun run check` has not played: of all test files that import this one.
import { test as always } from "bun:test";

/** Whether `bun run check:long` runs. */
export const isLong = process.env.TEST_LONG === "yes";

/** A test with one form, which `bun run check` plays. */
export const test = always.if(!isLong);

/** A test that `bun run check` leaves out. */
export const longTest = always.if(isLong);

/** A test that both play, each in its own form. */
export { always as bothTest };

/** The number of times that a test repeats itself with other random decisions. @param few the number in `bun run check` */
export const timesOf = (few: number) => (isLong ? 10 * few : few);

/** The first member of a list and every n-th after that; in `bun run check:long` the others. */
export const everyNth = <T>(n: number, all: readonly T[]): T[] =>
  all.filter((_, index) => (index % n === 0) !== isLong);
