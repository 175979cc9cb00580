// `bun run check:browser`: the tests that need a browser. A missing Chromium is installed if possible. Otherwise nothing is
// tested, and the exit code is 77, the GNU convention for "skipped".
import { existsSync } from "node:fs";
import { join } from "node:path";
import { chromiumPath } from "./chromium.ts";

const skipped = 77;
const testTimeoutMs = 90_000;
const root = join(import.meta.dir, "../..");

function run(...command: string[]): number {
  return Bun.spawnSync(command, { cwd: root, stdio: ["ignore", "inherit", "inherit"] }).exitCode;
}

function installChromium(): boolean {
  if (process.getuid?.() !== 0 || !Bun.which("apt-get")) return false;
  // If Debian's servers are unreachable, apt-get fails soon.
  const apt = ["apt-get", "-qq", "-o", "Acquire::Retries=0", "-o", "Acquire::http::Timeout=20"];
  run(...apt, "update");
  return run(...apt, "install", "-y", "--no-install-recommends", "chromium") === 0;
}

if (!existsSync(chromiumPath) && !installChromium()) {
  console.error(
    `The browser tests were left out: there is no ${chromiumPath}, and it can't be installed from here. ` +
      "Install Chromium or Chrome, and set CHROMIUM to its path.",
  );
  process.exit(skipped);
}
const files = [...new Bun.Glob("test/browser/*.browser.ts").scanSync(root)].toSorted();
process.exit(
  run(process.execPath, "test", `--timeout=${testTimeoutMs}`, ...files.map((file) => `./${file}`)),
);
