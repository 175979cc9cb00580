import { expect, test } from "bun:test";
import { namesOf } from "../../src/web/names.ts";

const people = (...names: string[]) => names.map((username) => ({ username }));

test.each([
  [people("ann"), undefined, "ann"],
  [people("ann", "ben"), undefined, "ann and ben"],
  [people("ann", "ben", "cat"), undefined, "ann, ben and 1 other"],
  [people("ann", "ben", "cat", "dan"), undefined, "ann, ben and 2 others"],
  [people("ann", "ben", "cat"), 250, "ann, ben and 248 others"],
  [people("ann"), 2, "ann and 1 other"],
  [people("ann", "ben"), 2, "ann and ben"],
])("%j of %p are named", (named, count, text) => {
  expect(namesOf(named, count)).toBe(text);
});
