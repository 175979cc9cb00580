// `bun run bench [row …]`: each row with a reference that is measured in the same run, alternately. With `--compare REV`, each
// row with the same row of another commit. A run that has lost, duplicated or disordered a message ends with an error.
import { chmodSync, mkdtempSync } from "node:fs";
import { rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Cleanup } from "../world/cleanup.ts";
import { compareRows, openPair } from "./compare.ts";
import { measureRows } from "./measure.ts";
import { parseOptions, usage, type Options } from "./options.ts";
import type { Row } from "./row.ts";
import { rowsOf } from "./rows.ts";
import { openStage } from "./stage.ts";

async function run({ compare, pairs, scale }: Options, rows: readonly Row[]): Promise<number> {
  const cleanup = new Cleanup();
  cleanup.runOnSignals();
  try {
    const folder = mkdtempSync(join(tmpdir(), "gemini-coop-bench-"));
    cleanup.add(() => rm(folder, { recursive: true, force: true }));
    // As root, PostgreSQL runs under another account, which has to reach the folder.
    chmodSync(folder, 0o755);
    const options = { cleanup, scale, folder };
    const lines =
      compare === undefined
        ? measureRows(await openStage({ ...options, folder: join(folder, "own") }), rows, pairs)
        : compareRows(await openPair(options, compare), rows, compare, pairs);
    for await (const columns of lines) console.log(columns.join(" | "));
    return 0;
  } catch (error) {
    // After a signal everything fails.
    if (!cleanup.isRunning) console.error(error instanceof Error ? error.message : error);
    return 1;
  } finally {
    await cleanup.run();
  }
}

function optionsOf(args: string[]): Options | undefined {
  try {
    return parseOptions(args);
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : String(error)}\n\n${usage}`);
    return undefined;
  }
}

async function main(args: string[]): Promise<number> {
  const options = optionsOf(args);
  if (!options) return 2;
  const all = rowsOf(options.scale);
  const names = all.map(({ name }) => name).join("\n");
  if (options.list) {
    console.log(names);
    return 0;
  }
  const unknown = options.rows.filter((word) => !all.some(({ name }) => name.includes(word)));
  if (unknown.length > 0) {
    console.error(`No row has ${unknown.join(", ")} in its name. The rows are:\n${names}`);
    return 2;
  }
  const wanted = ({ name }: Row) =>
    options.rows.length === 0 || options.rows.some((word) => name.includes(word));
  return run(options, all.filter(wanted));
}

process.exit(await main(Bun.argv.slice(2)));
