// `bun run check:security`: no file that git would keep holds a secret, and no package is known to be vulnerable.
import { join } from "node:path";

const root = join(import.meta.dir, "../..");
function say(passed: boolean | undefined, what: string, otherwise: string): void {
  if (passed === undefined) console.log(`– skipped: ${otherwise}`);
  else console.log(`${passed ? "✓" : "✗"} ${what}`);
}

async function run(command: string[]) {
  const child = Bun.spawn(command, { cwd: root, stdio: ["ignore", "pipe", "pipe"] });
  const [code, stdout, stderr] = await Promise.all([
    child.exited,
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
  ]);
  return { code, stdout, stderr };
}

/** @returns undefined outside a git checkout */
async function hasNoSecrets(): Promise<boolean | undefined> {
  const listed = await run(["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]);
  const files = listed.stdout.split("\0").filter((file) => file !== "");
  if (listed.code !== 0 || files.length === 0) {
    console.error(listed.stderr.trim());
    return undefined;
  }
  const { code, stdout, stderr } = await run([
    "bun",
    join(import.meta.dir, "node_modules/.bin/secretlint"),
    `--secretlintrc=${join(import.meta.dir, "secretlint.yml")}`,
    // File names as they are, whatever stands in them.
    "--no-glob",
    ...files,
  ]);
  console.error(stdout + stderr);
  return code === 0;
}

/** https://bun.com/docs/install/audit: 1 when something is known, JSON in any case. @returns undefined when nobody answered */
async function hasNoVulnerabilities(): Promise<boolean | undefined> {
  const { code, stdout, stderr } = await run(["bun", "audit", "--json"]);
  if (!stdout.trimStart().startsWith("{")) {
    console.error(stderr.trim());
    return undefined;
  }
  if (code !== 0) console.error(stdout);
  return code === 0;
}

const clean = await hasNoSecrets();
say(clean, "no secrets, by secretlint", "secretlint, since this is no git checkout");
const audited = await hasNoVulnerabilities();
say(
  audited,
  "no package with a known vulnerability, by bun audit",
  "bun audit, since this machine's registry answers none. Run it where one does.",
);
process.exit(clean === false || audited === false ? 1 : 0);
