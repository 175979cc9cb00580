// The interleaved comparison of this checkout with another commit. Both servers are driven by the code of this checkout, so
// that the other one can be measured in rows that it did not have itself.
import { join } from "node:path";
import type { Bench } from "./bench.ts";
import { checkOut } from "./checkout.ts";
import { measured, pairsOf } from "./measure.ts";
import { medianOf, spreadOf } from "./report.ts";
import type { Row } from "./row.ts";
import { openStage, type StageOptions } from "./stage.ts";

/**
 * Starts the servers of this checkout and of another commit, which gets its own checkout, dependencies and database.
 * @param options the folder of both, which exists
 */
export async function openPair(
  options: StageOptions,
  rev: string,
): Promise<{ own: Bench; other: Bench }> {
  const root = join(options.folder, "checkout");
  await checkOut(options.cleanup, rev, root);
  const other = await openStage({ ...options, root, folder: join(options.folder, "other") });
  const own = await openStage({ ...options, folder: join(options.folder, "own") });
  return { own, other };
}

/**
 * Measures each row on two servers alternately.
 * @param rev the name of the other one
 * @returns the columns of a heading, and of each row as soon as it is measured; one that cannot be measured there says so
 * @throws Error if a count is not exact here
 */
export async function* compareRows(
  { own, other }: { own: Bench; other: Bench },
  rows: readonly Row[],
  rev: string,
  pairs: number,
): AsyncGenerator<string[]> {
  yield [
    "row",
    "this",
    rev,
    `median of this to ${rev} (quartiles, range)`,
    "target against the reference",
  ];
  // Rows that differ in their references only are one here.
  const different = new Map(rows.toReversed().map((row) => [row.ours, row]));
  for (const row of rows) {
    if (different.get(row.ours) === row) yield await compareRow(row, own, other, pairs);
  }
}

async function compareRow(row: Row, own: Bench, other: Bench, pairs: number): Promise<string[]> {
  const here: number[] = [];
  const there: number[] = [];
  const ratios: number[] = [];
  await row.prepare?.(own);
  // A commit without the tables says so in its measurement.
  await row.prepare?.(other).catch(() => undefined);
  for (let pair = 0; pair < pairsOf(row, pairs); pair += 1) {
    const a = await measured(row.ours, own);
    here.push(a);
    const b = await measured(row.ours, other).catch(reasonOf);
    if (typeof b === "string") {
      other.cleanup.check();
      // Sockets that the failure has left open end with the server.
      await other.product.restart();
      return [row.name, medianOf(here, row.unit), `not measured there: ${b}`, "", row.target];
    }
    there.push(b);
    // Two counts may both be 0.
    ratios.push(a === b ? 1 : a / b);
  }
  return [
    row.name,
    medianOf(here, row.unit),
    medianOf(there, row.unit),
    spreadOf(ratios, "×"),
    row.target,
  ];
}

const reasonOf = (error: unknown) => (error instanceof Error ? error.message : String(error));
