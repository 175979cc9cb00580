// Tests that take long have a short form for `bun run check`. `bun run check:long` plays them whole: all test files that
// import this one.

/** Whether the tests are played whole. */
export const isLong = process.env.TEST_LONG === "yes";

/** The number of times that a test repeats itself with other random decisions. @param few the number in `bun run check` */
export const timesOf = (few: number) => (isLong ? 10 * few : few);
