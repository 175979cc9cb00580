// Tests of the whole system that take long have a short form for `bun run check`, or are skipped there if shorter tests are
// about the same. `bun run check:long` plays them whole: all test files that import this one.

/** Whether the tests are played whole. */
export const isLong = process.env.TEST_LONG === "yes";

/** The number of times that a test repeats itself with other random decisions. @param few the number in `bun run check` */
export const timesOf = (few: number) => (isLong ? 10 * few : few);

/** All of a list; in `bun run check` the first of its members and every n-th after that. */
export const everyNth = <T>(n: number, all: readonly T[]): T[] =>
  all.filter((_, index) => isLong || index % n === 0);
