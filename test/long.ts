// `bun run check:long`: the tests of which `bun run check` plays a short form, whole.
import { readFileSync } from "node:fs";
import { join } from "node:path";

/** The limit of a test that sets none. */
const timeoutMs = 60_000;
const root = join(import.meta.dir, "..");
const files = [...new Bun.Glob("test/**/*.test.ts").scanSync(root)]
  .filter((file) => readFileSync(join(root, file), "utf8").includes('/world/long.ts"'))
  .toSorted();
const { exitCode } = Bun.spawnSync(
  [process.execPath, "test", `--timeout=${timeoutMs}`, ...files.map((file) => `./${file}`)],
  {
    cwd: root,
    env: { ...process.env, TEST_LONG: "yes" },
    stdio: ["ignore", "inherit", "inherit"],
  },
);
process.exit(exitCode);
