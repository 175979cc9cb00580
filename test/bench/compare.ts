// The interleaved comparison of this checkout with another commit. Both servers are driven by the code of this checkout, so
// that the other one can be measured in rows that it did not have itself.
import { join } from "node:path";
import { checkOut } from "./checkout.ts";
import { measured, pairsOf } from "./measure.ts";
import { medianOf, print, spreadOf } from "./report.ts";
import type { Row } from "./rows.ts";
import { openStage, type StageOptions } from "./stage.ts";
import type { Bench } from "./bench.ts";

/**
 * Measures each row alternately here and at another commit, which gets its own checkout, dependencies and database.
 * @param options the folder of both
 * @throws Error if a count is not exact here; what cannot be measured at the other commit is said in its row
 */
export async function compareRows(
  options: StageOptions,
  rows: readonly Row[],
  rev: string,
  pairs: number,
): Promise<void> {
  const { cleanup, folder } = options;
  const root = join(folder, "checkout");
  await checkOut(cleanup, rev, root);
  const other = await openStage({ ...options, root, folder: join(folder, "other") });
  const own = await openStage({ ...options, folder: join(folder, "own") });
  print("row", "this", rev, "median of the ratios, this to other (quartiles, range)", "target");
  // Rows that differ in their references only are one here.
  const different = new Map(rows.toReversed().map((row) => [row.ours, row]));
  for (const row of rows) {
    if (different.get(row.ours) === row) await compareRow(row, own, other, pairs);
  }
}

async function compareRow(row: Row, own: Bench, other: Bench, pairs: number): Promise<void> {
  const here: number[] = [];
  const there: number[] = [];
  const ratios: number[] = [];
  for (let pair = 0; pair < pairsOf(row, pairs); pair += 1) {
    const a = await measured(row.ours, own);
    here.push(a);
    try {
      const b = await measured(row.ours, other);
      there.push(b);
      ratios.push(a / b);
    } catch (error) {
      if (other.cleanup.isRunning) throw error;
      const reason = error instanceof Error ? error.message : String(error);
      print(row.name, medianOf(here, row.unit), `not measured there: ${reason}`, "", row.target);
      // Sockets that the failure has left open end with the server.
      await other.product.restart();
      return;
    }
  }
  print(
    row.name,
    medianOf(here, row.unit),
    medianOf(there, row.unit),
    spreadOf(ratios, "×"),
    row.target,
  );
}
