// Measures rows pair by pair, so that a slow moment of the machine reaches both sides.
import type { Bench } from "./bench.ts";
import { medianOf, spreadOf } from "./report.ts";
import type { Measure, Row } from "./row.ts";

/** Longer than any measurement takes: one that a lost frame keeps waiting must not wait for ever. */
const measurementTimeoutMs = 5 * 60_000;

/** @throws Error if it does not end within five minutes, or if a count is not exact */
export async function measured(measure: Measure, bench: Bench): Promise<number> {
  const { promise, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(
    () => reject(new Error("the measurement does not end")),
    measurementTimeoutMs,
  );
  try {
    return await Promise.race([measure(bench), promise]);
  } finally {
    clearTimeout(timer);
  }
}

export const pairsOf = ({ pairsMax }: Row, pairs: number) => Math.min(pairs, pairsMax ?? pairs);

/**
 * Compares each row with its reference.
 * @returns the columns of a heading, and of each row as soon as it is measured
 * @throws Error if a count is not exact
 */
export async function* measureRows(
  bench: Bench,
  rows: readonly Row[],
  pairs: number,
): AsyncGenerator<string[]> {
  yield ["row", "ours", "reference", "median of the pairs (quartiles, range)", "target"];
  for (const row of rows) {
    await row.prepare?.(bench);
    yield row.reference
      ? await comparePairs(bench, row, row.reference, pairs)
      : await repeat(bench, row, pairs);
  }
}

async function repeat(bench: Bench, row: Row, pairs: number): Promise<string[]> {
  const values: number[] = [];
  while (values.length < pairsOf(row, pairs)) values.push(await measured(row.ours, bench));
  const spread = spreadOf(values, ` ${row.unit}`.trimEnd());
  return [row.name, medianOf(values, row.unit), "", spread, row.target];
}

async function comparePairs(
  bench: Bench,
  row: Row,
  reference: Measure,
  pairs: number,
): Promise<string[]> {
  const own: number[] = [];
  const bare: number[] = [];
  const compared: number[] = [];
  for (let pair = 0; pair < pairsOf(row, pairs); pair += 1) {
    const a = await measured(row.ours, bench);
    const b = await measured(reference, bench);
    own.push(a);
    bare.push(b);
    compared.push(row.added ? a - b : a / b);
  }
  return [
    row.name,
    medianOf(own, row.unit),
    medianOf(bare, row.unit),
    spreadOf(compared, row.added ? ` ${row.unit} more` : "×"),
    row.target,
  ];
}
