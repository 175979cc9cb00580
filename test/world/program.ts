import { join } from "node:path";

const root = join(import.meta.dir, "../..");

/** Runs a program of the project to its end. @param file its path in the project */
export async function runProgram(
  file: "src/cli.ts" | "db/cli.ts",
  args: readonly string[],
  { cwd, env }: { cwd: string; env: Record<string, string> },
) {
  const child = Bun.spawn([process.execPath, join(root, file), ...args], {
    cwd,
    env,
    stdout: "pipe",
    stderr: "pipe",
  });
  const [code, stdout, stderr] = await Promise.all([
    child.exited,
    child.stdout.text(),
    child.stderr.text(),
  ]);
  return { code, stdout, stderr };
}
