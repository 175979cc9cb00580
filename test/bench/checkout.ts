// A checkout of another commit with its own dependencies. A clone that shares the objects leaves nothing behind in the
// repository, however the benchmark ends, while a worktree would be registered there.
import { join } from "node:path";
import type { Cleanup } from "../world/cleanup.ts";

const ownRoot = join(import.meta.dir, "../..");

/**
 * Makes a checkout of a commit in a new folder.
 * @param rev anything that names a commit in the repository, which is this one unless said otherwise
 * @throws Error with git's or bun's words
 */
export async function checkOut(
  cleanup: Cleanup,
  rev: string,
  folder: string,
  repository = ownRoot,
): Promise<void> {
  const name = ["rev-parse", "--verify", "--end-of-options", `${rev}^{commit}`];
  const commit = (await run(cleanup, ["git", "-C", repository, ...name])).trim();
  await run(cleanup, ["git", "clone", "--quiet", "--shared", "--no-checkout", repository, folder]);
  await run(cleanup, ["git", "-C", folder, "checkout", "--quiet", "--detach", commit]);
  await run(cleanup, [process.execPath, "install", "--frozen-lockfile", "--cwd", folder]);
}

/** In a hook, git's own variables name the repository whatever the folder is. */
const environment = Object.fromEntries(
  Object.entries(process.env).filter(([name]) => !name.startsWith("GIT_")),
);

async function run(cleanup: Cleanup, command: string[]): Promise<string> {
  cleanup.check();
  const child = Bun.spawn(command, {
    env: environment,
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
  });
  const stop = cleanup.add(async () => {
    child.kill("SIGKILL");
    await child.exited;
  });
  const [output, errors] = await Promise.all([child.stdout.text(), child.stderr.text()]);
  const code = await child.exited;
  await stop();
  if (code === 0) return output;
  throw new Error(`${command.join(" ")} ended with ${code}: ${errors.trim() || output.trim()}`);
}
