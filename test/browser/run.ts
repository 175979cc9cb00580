// `bun run check:browser`: the tests that need a browser. A missing Chromium is installed if possible. Otherwise nothing is
// tested, and the exit code is 77, the GNU convention for "skipped". Its headless shell makes the tests faster.
import { existsSync } from "node:fs";
import { join } from "node:path";
import { runTests } from "../world/run-tests.ts";
import { chromiumPath, headlessShellPath } from "./chromium.ts";

const skipped = 77;
/** Each has a Chromium, whose processes have a processor to themselves for most of the time. */
const workers = 2;
const timeoutMs = 90_000;
const root = join(import.meta.dir, "../..");

function run(...command: string[]): number {
  return Bun.spawnSync(command, { cwd: root, stdio: ["ignore", "inherit", "inherit"] }).exitCode;
}

function install(name: string): boolean {
  if (process.getuid?.() !== 0 || !Bun.which("apt-get")) return false;
  // If Debian's servers are unreachable, apt-get fails soon.
  const apt = ["apt-get", "-qq", "-o", "Acquire::Retries=0", "-o", "Acquire::http::Timeout=20"];
  run(...apt, "update");
  return run(...apt, "install", "-y", "--no-install-recommends", name) === 0;
}

if (process.env.CHROMIUM === undefined && !existsSync(headlessShellPath)) {
  install("chromium-headless-shell");
}
if (!existsSync(chromiumPath) && !install("chromium")) {
  console.error(
    `The browser tests were left out: there is no ${chromiumPath}, and it can't be installed from here. ` +
      "Install Chromium or Chrome, and set CHROMIUM to its path.",
  );
  process.exit(skipped);
}
const files = [...new Bun.Glob("test/browser/*.browser.ts").scanSync(root)].toSorted();
process.exit(await runTests(files, { workers, timeoutMs }));
