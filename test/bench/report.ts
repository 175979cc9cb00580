// The table that a run prints: one line for each figure, as soon as it is measured.
import { median } from "./client.ts";

const only = Bun.argv.slice(2);

function isWanted(name: string): boolean {
  return only.length === 0 || only.some((word) => name.includes(word));
}

function format(value: number): string {
  return Math.abs(value) >= 100 ? Math.round(value).toLocaleString("en-US") : value.toFixed(2);
}

function print(...columns: string[]) {
  console.log(columns.join(" | "));
}

export function printHead() {
  print("figure", "ours", "reference", "median of the pairs (lowest to highest)", "target");
}

/** @param compare turns a pair of measurements into one number, in the unit of `compared` */
async function comparison(
  [name, unit, target, ours, reference, pairs = 5]: Parameters<typeof figure>,
  compare: (own: number, bare: number) => number,
  compared: string,
): Promise<number> {
  if (!isWanted(name)) return Number.NaN;
  const own: number[] = [];
  const bare: number[] = [];
  const each: number[] = [];
  for (let pair = 0; pair < pairs; pair += 1) {
    const [a, b] = [await ours(), await reference()];
    own.push(a);
    bare.push(b);
    each.push(compare(a, b));
  }
  const spread = `${format(Math.min(...each))} to ${format(Math.max(...each))}`;
  print(
    name,
    `${format(median(own))} ${unit}`,
    `${format(median(bare))} ${unit}`,
    `${format(median(each))}${compared} (${spread})`,
    target,
  );
  return median(own);
}

/** Measures the product and the reference alternately, and reports the ratio. @returns the product's median; NaN if not wanted */
export function figure(
  name: string,
  unit: string,
  target: string,
  ours: () => Promise<number>,
  reference: () => Promise<number>,
  pairs?: number,
): Promise<number> {
  return comparison([name, unit, target, ours, reference, pairs], (own, bare) => own / bare, "×");
}

/** Measures like {@link figure}, and reports the difference instead of the ratio. */
export function addedFigure(...of: Parameters<typeof figure>): Promise<number> {
  return comparison(of, (own, bare) => own - bare, ` ${of[1]} more`);
}

/** Reports a count, which has no reference. */
export async function countFigure(
  name: string,
  unit: string,
  target: string,
  count: () => Promise<number>,
): Promise<void> {
  if (isWanted(name)) print(name, `${format(await count())} ${unit}`, "", "", target);
}
