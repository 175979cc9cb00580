// Reads /metrics as Prometheus does.
import { expect } from "bun:test";
import type { World } from "../../world/world.ts";

export const metricsToken = "a-token-for-the-scrape";

/** Every series of the text format, by its name with its labels as they are written. */
export type Series = Map<string, number>;

export async function scrapeText(world: World): Promise<string> {
  const { status, body } = await world.call("GET", "/metrics", undefined, {
    authorization: `Bearer ${metricsToken}`,
  });
  expect(status).toBe(200);
  return body;
}

/** @throws when a line is not of the format: https://prometheus.io/docs/instrumenting/exposition_formats/ */
export function parse(text: string): Series {
  const series: Series = new Map();
  for (const line of text.split("\n")) {
    if (line === "" || line.startsWith("# HELP ") || line.startsWith("# TYPE ")) continue;
    const [, name, value] =
      /^([a-z_]+(?:\{[a-z_]+="[^"]*"(?:,[a-z_]+="[^"]*")*\})?) (\S+)$/.exec(line) ?? [];
    if (name === undefined || !Number.isFinite(Number(value)))
      throw new Error(`no sample: ${line}`);
    expect(series.has(name)).toBe(false);
    series.set(name, Number(value));
  }
  return series;
}

export const scrape = async (world: World): Promise<Series> => parse(await scrapeText(world));

/** Scrapes until a series has a value: what a peer sees may be counted a moment later. */
export async function scrapeUntil(world: World, name: string, value: number): Promise<Series> {
  for (;;) {
    const series = await scrape(world);
    if (series.get(name) === value) return series;
  }
}

/**
 * Series that have grown since `before`, except the buckets of histograms and series that grow by themselves, as that of the search index
 * does some time after a message.
 */
export function grown(before: Series, after: Series): Record<string, number> {
  const changes = [...after]
    .filter(([name]) => !/_bucket|_sum|^process_|event_loop|heap|database|http_|search_/.test(name))
    .map(([name, value]): [string, number] => [name, value - (before.get(name) ?? 0)]);
  return Object.fromEntries(changes.filter(([, change]) => change !== 0));
}
