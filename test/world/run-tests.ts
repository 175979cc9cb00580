// Runs files of tests in several processes at once, which share one PostgreSQL: `bun run check`, `check:long`, `check:browser`.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { Cleanup } from "./cleanup.ts";
import { clusterSetting, fastestFolder, startCluster } from "./cluster.ts";
import { describedHttp, openApiSetting } from "./contract.ts";
import { dataFolderSetting } from "./data-folder.ts";
import { foldersSetting } from "./folder.ts";

const root = join(import.meta.dir, "../..");
/**
 * How long files took, so that the slowest start first. `TEST_TIMINGS=update bun test/run.ts` and the same with
 * test/browser/run.ts measure again, each its own files.
 */
const timings = "test/timings.json";

interface Run {
  /** How many files run at a time; TEST_WORKERS comes first. */
  workers: number;
  /** The limit of a test that sets none. */
  timeoutMs: number;
  /** Settings of the tests. */
  env?: Record<string, string>;
}

/** @param files undefined: all of `bun test` @returns the exit code of `bun test` */
export async function runTests(
  files: readonly string[] | undefined,
  { workers, timeoutMs, env = {} }: Run,
): Promise<number> {
  const cleanup = new Cleanup();
  cleanup.runOnSignals();
  const cluster = await startCluster(fastestFolder());
  cleanup.add(() => cluster.stop());
  const openApi = join(cluster.folder, "openapi.json");
  writeFileSync(openApi, JSON.stringify(describedHttp()));
  const tests = Bun.spawn(
    [
      ...[process.execPath, "test", `--parallel=${process.env.TEST_WORKERS ?? workers}`],
      ...["--no-isolate", `--timeout=${timeoutMs}`, `--timings=${timings}`],
      ...(process.env.TEST_TIMINGS === "update" ? ["--update-timings"] : []),
      ...(files ?? []).map((file) => `./${file}`),
    ],
    {
      cwd: root,
      env: {
        ...process.env,
        TMPDIR: cluster.folder,
        [clusterSetting]: cluster.url,
        [dataFolderSetting]: cluster.dataFolder,
        [foldersSetting]: "kept",
        [openApiSetting]: openApi,
        // Bun's allocator returns no memory to the system before the process ends. Each return interrupts all threads of the
        // process, which took 10 % of the time of all tests. https://microsoft.github.io/mimalloc/environment.html
        MIMALLOC_PURGE_DELAY: "-1",
        ...env,
      },
      stdio: ["ignore", "inherit", "inherit"],
    },
  );
  cleanup.add(async () => {
    tests.kill();
    await tests.exited;
  });
  const code = await tests.exited;
  await cleanup.run();
  return code;
}
