// `bun run check`'s tests: all of them, and then whether everything that the documents name has been seen by one.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { closeCodes } from "../src/wire/close-codes.ts";
import { asyncApi } from "../src/wire/docs/asyncapi.ts";
import { openApi } from "../src/docs/documents.ts";
import { appToDescribe } from "./world/contract.ts";
import { operationsOf, Document } from "./docs/openapi.ts";
import { readSeen } from "./world/seen.ts";

const workers = 2;
/** Of one test, unless it says otherwise: for a machine that is busy with other things, too. */
const timeoutMs = 30_000;

/** As test/world/contract.ts notes them. */
function everything(): string[] {
  const frames = Object.keys(asyncApi("0.0.0").components.messages);
  const operations = operationsOf(Document.parse(openApi(appToDescribe(), "0.0.0")));
  // A client's own word, and one to somebody who reads nothing any more.
  const closes = Object.keys(closeCodes).filter((reason) => !["bye", "too_slow"].includes(reason));
  return [
    ...frames.map((name) => `frame: ${name}`),
    ...closes.map((name) => `close: ${name}`),
    ...Array.from(operations.keys(), (name) => `operation: ${name}`),
  ];
}

const folder = mkdtempSync(join(tmpdir(), "gemini-coop-seen-"));
const tests = Bun.spawn(
  ["bun", "test", `--parallel=${workers}`, "--no-isolate", `--timeout=${timeoutMs}`],
  {
    cwd: join(import.meta.dir, ".."),
    env: { ...process.env, TEST_SEEN_FOLDER: folder },
    stdio: ["inherit", "inherit", "inherit"],
  },
);
const code = await tests.exited;
const seen = readSeen(folder);
rmSync(folder, { recursive: true });

const missing = everything().filter((each) => !seen.has(each));
if (code === 0 && missing.length > 0) {
  console.error(`No test has seen what the documents name:\n  ${missing.join("\n  ")}`);
}
process.exit(code || (missing.length > 0 ? 1 : 0));
