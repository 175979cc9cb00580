// The table that a run prints: one line for each row, as soon as it is measured.
import { median, quantile } from "./client.ts";

export function format(value: number): string {
  return Math.abs(value) >= 100 ? Math.round(value).toLocaleString("en-US") : value.toFixed(2);
}

export function print(...columns: string[]): void {
  console.log(columns.join(" | "));
}

/** The median of some measurements with their unit. */
export function medianOf(values: readonly number[], unit: string): string {
  return `${format(median(values))} ${unit}`.trim();
}

/** Median, quartiles and range of what was computed from each pair. */
export function spreadOf(values: readonly number[], unit: string): string {
  const [low, first, third, high] = [0, 0.25, 0.75, 1].map((share) =>
    format(quantile(values, share)),
  );
  return `${format(median(values))}${unit} (quartiles ${first} to ${third}, all ${low} to ${high})`;
}
