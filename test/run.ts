// Runs all tests of `bun run check`, and then checks that the tests have seen everything that the API documents name.
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { closeCodes } from "../src/wire/close-codes.ts";
import { asyncApi } from "../src/wire/docs/asyncapi.ts";
import { openApi } from "../src/docs/documents.ts";
import { clusterSetting, startCluster } from "./world/cluster.ts";
import { dataFolderSetting } from "./world/data-folder.ts";
import { foldersSetting } from "./world/folder.ts";
import { appToDescribe } from "./world/contract.ts";
import { operationsOf, Document } from "./docs/openapi.ts";
import { readSeen } from "./world/seen.ts";

/** More than two cores can run, since many tests wait for a timer or a process; each loads and compiles everything anew. */
const workers = Number(process.env.TEST_WORKERS ?? "5");
/** The limit of a test that sets none. It allows for a machine that is busy with other things, too. */
const timeoutMs = 30_000;
/** How long files took, so that the slowest start first. `TEST_TIMINGS=update bun test/run.ts` measures again. */
const timings = "test/timings.json";

/** Everything that the documents name, in the form in which test/world/contract.ts notes it. */
function everything(): string[] {
  const frames = Object.keys(asyncApi("0.0.0").components.messages);
  const operations = operationsOf(Document.parse(openApi(appToDescribe(), "0.0.0")));
  // `bye` is a client's own; a client that gets `too_slow` no longer reads.
  const closes = Object.keys(closeCodes).filter((reason) => !["bye", "too_slow"].includes(reason));
  return [
    ...frames.map((name) => `frame: ${name}`),
    ...closes.map((name) => `close: ${name}`),
    ...Array.from(operations.keys(), (name) => `operation: ${name}`),
  ];
}

const cluster = await startCluster();
const seenFolder = join(cluster.folder, "seen");
mkdirSync(seenFolder);
const tests = Bun.spawn(
  [
    ...["bun", "test", `--parallel=${workers}`, "--no-isolate", `--timeout=${timeoutMs}`],
    `--timings=${timings}`,
    ...(process.env.TEST_TIMINGS === "update" ? ["--update-timings"] : []),
  ],
  {
    cwd: join(import.meta.dir, ".."),
    env: {
      ...process.env,
      TMPDIR: cluster.folder,
      TEST_SEEN_FOLDER: seenFolder,
      [clusterSetting]: cluster.url,
      [dataFolderSetting]: cluster.dataFolder,
      [foldersSetting]: "kept",
    },
    stdio: ["inherit", "inherit", "inherit"],
  },
);
const code = await tests.exited;
const seen = readSeen(seenFolder);
await cluster.stop();

const missing = everything().filter((each) => !seen.has(each));
if (code === 0 && missing.length > 0) {
  console.error(`No test has seen what the documents name:\n  ${missing.join("\n  ")}`);
}
process.exit(code || (missing.length > 0 ? 1 : 0));
