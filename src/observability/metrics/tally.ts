import { Counter, type Registry } from "prom-client";

/** A counter with one label of known values. */
export interface Tally<Value extends string> {
  add(value: Value, count?: number): void;
}

/**
 * Counts in plain numbers, so that an event costs one addition; prom-client gets them when it is scraped. All values
 * exist from the start, at 0, so that the first event is seen as an increase.
 */
export function createTally<Value extends string>(
  registry: Registry,
  { name, help, label }: { name: string; help: string; label: string },
  values: readonly Value[],
): Tally<Value> {
  const counts = new Map(values.map((value) => [value, 0]));
  new Counter({
    name,
    help,
    labelNames: [label],
    registers: [registry],
    collect() {
      this.reset();
      for (const [value, count] of counts) this.inc({ [label]: value }, count);
    },
  });
  return {
    add(value, count = 1) {
      counts.set(value, (counts.get(value) ?? 0) + count);
    },
  };
}

/** A counter without a label. @returns a function that adds a count, 1 if none is given */
export function createCount(
  registry: Registry,
  { name, help }: { name: string; help: string },
): (count?: number) => void {
  let total = 0;
  new Counter({
    name,
    help,
    registers: [registry],
    collect() {
      this.reset();
      this.inc(total);
    },
  });
  return (count = 1) => {
    total += count;
  };
}
