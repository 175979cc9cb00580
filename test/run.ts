// Runs all tests of `bun run check`, and then checks that the tests have seen everything that the API documents name.
import { mkdtempSync, rmSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { closeCodes } from "../src/wire/close-codes.ts";
import { asyncApi } from "../src/wire/docs/asyncapi.ts";
import { describedHttp } from "./world/contract.ts";
import { operationsOf } from "./docs/openapi.ts";
import { runTests } from "./world/run-tests.ts";
import { readSeen } from "./world/seen.ts";

/**
 * One more than there are cores, since many tests wait for a timer or a process. Each worker loads and compiles everything anew: on two
 * slow cores, five workers take 17 % longer than three.
 */
const workers = Math.min(availableParallelism() + 1, 8);
/** The limit of a test that sets none. It allows for a machine that is busy with other things, too. */
const timeoutMs = 30_000;

/** Everything that the documents name, in the form in which test/world/contract.ts notes it. */
function everything(): string[] {
  const frames = Object.keys(asyncApi("0.0.0").components.messages);
  const operations = operationsOf(describedHttp());
  // `bye` is a client's own; a client that gets `too_slow` no longer reads.
  const closes = Object.keys(closeCodes).filter((reason) => !["bye", "too_slow"].includes(reason));
  return [
    ...frames.map((name) => `frame: ${name}`),
    ...closes.map((name) => `close: ${name}`),
    ...Array.from(operations.keys(), (name) => `operation: ${name}`),
  ];
}

const seenFolder = mkdtempSync(join(tmpdir(), "gemini-coop-seen-"));
const env = { TEST_SEEN_FOLDER: seenFolder };
const code = await runTests(undefined, { workers, timeoutMs, env });
const seen = readSeen(seenFolder);
rmSync(seenFolder, { recursive: true });

const missing = everything().filter((each) => !seen.has(each));
if (code === 0 && missing.length > 0) {
  console.error(`No test has seen what the documents name:\n  ${missing.join("\n  ")}`);
}
process.exit(code || (missing.length > 0 ? 1 : 0));
