import { expect, test } from "bun:test";
import { parseOptions } from "./options.ts";
import { rowsOf } from "./rows.ts";
import { full } from "./scale.ts";

test("seven pairs of every row are measured in full unless an option says otherwise", () => {
  const { rows, compare, pairs, scale, list } = parseOptions([]);
  expect({ rows, compare, pairs, list }).toEqual({
    rows: [],
    compare: undefined,
    pairs: 7,
    list: false,
  });
  expect(scale).toEqual(full);
});

test("options may stand between the names of rows", () => {
  const { rows, compare, pairs } = parseOptions(["storm", "--compare", "v1", "idle", "--pairs=3"]);
  expect({ rows, compare, pairs }).toEqual({ rows: ["storm", "idle"], compare: "v1", pairs: 3 });
});

test("there is a person for each client that returns after a restart", () => {
  const { scale } = parseOptions(["--clients", "20000"]);
  expect(scale.stormClients).toBe(20_000);
  expect(scale.people).toBeGreaterThan(20_000);
});

test.each(["--pairs 0", "--pairs 1.5", "--pairs many", "--clients -1", "--compare", "--wrong"])(
  "%s is refused",
  (args) => {
    expect(() => parseOptions(args.split(" "))).toThrow();
  },
);

test("each row has a name of its own, by which it can be chosen", () => {
  const names = rowsOf(full).map(({ name }) => name);
  expect(new Set(names).size).toBe(names.length);
});
