// `bun run check:long`: the tests of which `bun run check` plays a short form, whole.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { runTests } from "./world/run-tests.ts";

/** Fewer than in `bun run check`, since hardly any of these tests waits. */
const workers = 2;
/** The limit of a test that sets none. */
const timeoutMs = 60_000;
const root = join(import.meta.dir, "..");
const files = [...new Bun.Glob("test/**/*.test.ts").scanSync(root)]
  .filter((file) => readFileSync(join(root, file), "utf8").includes('/world/long.ts"'))
  .toSorted();
process.exit(await runTests(files, { workers, timeoutMs, env: { TEST_LONG: "yes" } }));
