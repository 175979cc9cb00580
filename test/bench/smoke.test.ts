// Rows of `bun run bench` in the smallest size: nothing is lost, duplicated or out of order. No number is judged.
// `bun run check` measures the first row of every third kind, `bun run check:long` all others.
import { afterAll, beforeAll, describe, expect } from "bun:test";
import { chmodSync, mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Cleanup } from "../world/cleanup.ts";
import { borrowDatabase, giveBackDatabase } from "../world/cluster.ts";
import { removeFolder } from "../world/folder.ts";
import { bothTest, isLong, test } from "../world/long.ts";
import type { Bench } from "./bench.ts";
import { compareRows } from "./compare.ts";
import { measureRows } from "./measure.ts";
import type { Row } from "./row.ts";
import { rowKinds } from "./rows.ts";
import { smallest } from "./scale.ts";
import { openStage } from "./stage.ts";

const timeoutMs = 60_000;
const rows = rowKinds(smallest).flatMap((kind, n) =>
  kind.filter((_, at) => (n % 3 === 1 && at === 0) !== isLong),
);
const cleanup = new Cleanup();
let bench: Bench;

beforeAll(async () => {
  const folder = mkdtempSync(join(tmpdir(), "gemini-coop-smoke-"));
  chmodSync(folder, 0o755);
  cleanup.add(async () => removeFolder(folder));
  const databaseUrl = await borrowDatabase();
  cleanup.add(() => giveBackDatabase(databaseUrl));
  bench = await openStage({ cleanup, scale: smallest, folder: join(folder, "own"), databaseUrl });
}, timeoutMs);
afterAll(() => cleanup.run(), timeoutMs);

async function linesOf(lines: AsyncGenerator<string[]>): Promise<string[][]> {
  const [, ...rows] = await Array.fromAsync(lines);
  return rows;
}

bothTest.each(rows.map((row) => [row.name, row] as const))(
  "the benchmark measures the row '%s' with exact counts",
  async (name, row) => {
    const [line] = await linesOf(measureRows(bench, [row], 1));
    expect(line?.[0]).toBe(name);
    expect(line?.[1]).toMatch(/^-?[\d,.]+/);
  },
  timeoutMs,
);

describe("the comparison with another commit", () => {
  const row = (ours: Row["ours"]): Row => ({ name: "a row", unit: "µs", target: "≤ 1×", ours });

  test("measures both sides alternately and shows the spread of their ratios", async () => {
    const other = { ...bench };
    const order: string[] = [];
    const ours = async (side: Bench) => {
      order.push(side === other ? "other" : "own");
      return side === other ? 200 : 100;
    };
    const lines = await linesOf(compareRows({ own: bench, other }, [row(ours)], "v1", 2));
    expect(order).toEqual(["own", "other", "own", "other"]);
    const ratio = "0.50× (quartiles 0.50 to 0.50, all 0.50 to 0.50)";
    expect(lines).toEqual([["a row", "100 µs", "200 µs", ratio, "≤ 1×"]]);
  });

  test("says which row the other commit cannot be measured in, and goes on", async () => {
    const other = { ...bench, product: bench.reference };
    const fails = async (side: Bench) => {
      if (side === other) throw new Error("there is no such endpoint");
      return 100;
    };
    const rows = [row(fails), row(async () => 1)];
    const lines = await linesOf(compareRows({ own: bench, other }, rows, "v1", 2));
    expect(lines.map((line) => line[2])).toEqual([
      "not measured there: there is no such endpoint",
      "1.00 µs",
    ]);
  });

  test("ends when this checkout's own measurement fails", async () => {
    const fails = async () => {
      throw new Error("messages stored: 63 instead of 64");
    };
    const lines = linesOf(compareRows({ own: bench, other: { ...bench } }, [row(fails)], "v1", 2));
    await expect(lines).rejects.toThrow("63 instead of 64");
  });
});
