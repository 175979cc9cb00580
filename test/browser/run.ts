// `bun run check:browser`: finds Chromium, or installs it where it may, and runs test/browser/*.browser.ts.
import { existsSync } from "node:fs";
import { join } from "node:path";
import { chromiumPath } from "./chromium.ts";

const packageName = "chromium";

async function run(command: string[]): Promise<boolean> {
  const child = Bun.spawn(command, { stdio: ["ignore", "inherit", "inherit"] });
  return (await child.exited) === 0;
}

async function installed(): Promise<boolean> {
  if (existsSync(chromiumPath)) return true;
  const mayInstall = process.getuid?.() === 0 && Bun.which("apt-get") !== null;
  if (!mayInstall) return false;
  console.log(`Installing ${packageName} …`);
  await run(["apt-get", "update", "-q"]);
  await run(["apt-get", "install", "-qy", "--no-install-recommends", packageName]);
  return existsSync(chromiumPath);
}

if (!(await installed())) {
  console.error(
    `There is no ${chromiumPath}. Install it (on Debian as root: apt-get install ${packageName}), ` +
      "or set CHROMIUM to the path of a Chromium or Chrome.",
  );
  process.exit(1);
}

const files = [...new Bun.Glob("*.browser.ts").scanSync(import.meta.dir)].toSorted();
const passed = await run([
  "bun",
  "test",
  "--timeout=60000",
  ...files.map((file) => join(import.meta.dir, file)),
]);
process.exit(passed ? 0 : 1);
