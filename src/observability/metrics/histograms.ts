import { Histogram, type Registry } from "prom-client";

export const prefix = "gemini_coop_";

/** In seconds, for the work of the server and its database, and for that of a model. */
const briefBuckets = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5];
export const longBuckets = [0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 40, 60, 120, 300];

interface HistogramOptions<Label extends string> {
  name: string;
  help: string;
  labels?: Label[];
  buckets?: number[];
}

export function createHistogram<Label extends string = never>(
  registry: Registry,
  { name, help, labels = [], buckets = briefBuckets }: HistogramOptions<Label>,
): Histogram<Label> {
  return new Histogram({
    name: prefix + name,
    help,
    labelNames: labels,
    buckets,
    registers: [registry],
  });
}

/** Binds each value of a histogram's label once, since prom-client makes a string each time it looks one up. */
export function createBound(histogram: Histogram, values: readonly string[]) {
  const children = new Map(values.map((value) => [value, histogram.labels(value)]));
  return (value: string) => children.get(value) ?? histogram.labels(value);
}
