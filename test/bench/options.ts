import { parseArgs } from "node:util";
import { z } from "zod";
import { full, smallest, type Scale } from "./scale.ts";

export const usage = `Usage: bun run bench [options] [row …]
  row              a part of the name of a row; without one, all rows are measured
  --compare REV    compare the rows with those of another commit, instead of with their references
  --pairs N        measurements of each side of a row, which alternate; the default is 7
  --clients N      clients that return after a restart; the default is 10000
  --smallest       the least that runs each row, whose numbers mean nothing
  --list           list the rows`;

export interface Options {
  rows: string[];
  compare: string | undefined;
  pairs: number;
  scale: Scale;
  list: boolean;
}

const Count = z.coerce.number().int().min(1);

/** @throws Error for an option that does not exist or has another kind of value */
export function parseOptions(args: string[]): Options {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: {
      compare: { type: "string" },
      pairs: { type: "string" },
      clients: { type: "string" },
      smallest: { type: "boolean", default: false },
      list: { type: "boolean", default: false },
    },
  });
  const scale = values.smallest ? smallest : full;
  const count = (name: "pairs" | "clients", byDefault: number) => {
    const parsed = Count.safeParse(values[name] ?? byDefault);
    if (!parsed.success) throw new Error(`--${name} needs a positive whole number.`);
    return parsed.data;
  };
  const stormClients = count("clients", scale.stormClients);
  return {
    rows: positionals,
    compare: values.compare,
    pairs: count("pairs", values.smallest ? 1 : 7),
    // Each client is another person.
    scale: { ...scale, stormClients, people: Math.max(scale.people, stormClients + 200) },
    list: values.list,
  };
}
