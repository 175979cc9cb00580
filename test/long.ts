// `bun run check:long`: what `bun run check` leaves out, see test/world/long.ts.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { runTests } from "./world/run-tests.ts";

/** Fewer than in `bun run check`, since hardly any of these tests waits. */
const workers = 2;
/** The limit of a test that sets none. */
const timeoutMs = 60_000;
const root = join(import.meta.dir, "..");
const files = [...new Bun.Glob("test/**/*.test.ts").scanSync(root)]
  .filter((file) => readFileSync(join(root, file), "utf8").includes('/long.ts"'))
  .toSorted();
process.exit(await runTests(files, { workers, timeoutMs, env: { TEST_LONG: "yes" } }));
