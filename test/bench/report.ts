// Numbers as the table shows them.
import { median, quantile } from "./client.ts";

function format(value: number): string {
  return Math.abs(value) >= 100 ? Math.round(value).toLocaleString("en-US") : value.toFixed(2);
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
