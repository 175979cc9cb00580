// `bun run check:containers`: the images and the compose files, really built and run. Where there is no docker nothing is
// tested, and that is said.
import { join } from "node:path";

const testTimeoutMs = 300_000;
const root = join(import.meta.dir, "../..");

function answers(...command: string[]): boolean {
  if (!Bun.which("docker")) return false;
  return Bun.spawnSync(command, { stdio: ["ignore", "ignore", "ignore"] }).success;
}

if (!answers("docker", "info") || !answers("docker", "compose", "version")) {
  console.log(
    "The container tests were left out: there is no docker on the PATH that reaches an engine and has compose.",
  );
  process.exit(0);
}
const files = [...new Bun.Glob("test/containers/*.containers.ts").scanSync(root)].toSorted();
const tests = Bun.spawnSync(
  [
    process.execPath,
    "test",
    `--timeout=${testTimeoutMs}`,
    ...files.map((file) => `./${file}`),
    ...process.argv.slice(2),
  ],
  { cwd: root, stdio: ["ignore", "inherit", "inherit"] },
);
process.exit(tests.exitCode);
