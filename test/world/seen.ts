// Records the parts of the contract that the tests of one run have seen. Each worker appends to its own file in a
// folder that test/run.ts makes and reads; a run of single files records nothing.
import { appendFileSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

export type Kind = "frame" | "close" | "operation";

const folder = process.env.TEST_SEEN_FOLDER;
const noted = new Set<string>();

export function noteSeen(kind: Kind, name: string): void {
  const line = `${kind}: ${name}`;
  if (!folder || noted.has(line)) return;
  noted.add(line);
  appendFileSync(join(folder, String(process.pid)), `${line}\n`);
}

export function readSeen(from: string): Set<string> {
  const lines = readdirSync(from).flatMap((file) =>
    readFileSync(join(from, file), "utf8").split("\n"),
  );
  return new Set(lines.filter((line) => line !== ""));
}
