// A program of the benchmark in a process of its own: what it does must not delay what the benchmark's own process times.
import { rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Cleanup } from "../world/cleanup.ts";
import { check } from "./bench.ts";

export interface Program {
  /** Begins what the program does. @returns the line that it prints when that is done */
  begin(): Promise<string>;
  /** Lets the program end. @throws Error if it ends with another code than 0 */
  end(): Promise<void>;
}

/**
 * Starts a program of this folder with the path of a file as its last argument, and settles when it says in a line that it is ready.
 * It begins with the first line that it is sent, and ends when there are no more.
 * @param input the content of the file, which is removed when the program is ready
 */
export async function startProgram(
  cleanup: Cleanup,
  [script, ...args]: readonly [string, ...string[]],
  input: Uint8Array | string,
): Promise<Program> {
  const path = join(tmpdir(), `gemini-coop-bench-${crypto.randomUUID()}`);
  await Bun.write(path, input);
  const child = Bun.spawn([process.execPath, join(import.meta.dir, script), ...args, path], {
    stdin: "pipe",
    stdout: "pipe",
    stderr: "inherit",
  });
  cleanup.add(async () => child.kill());
  const reader = child.stdout.getReader();
  const end = async () => {
    void child.stdin.end();
    check(`exit code of ${script}`, await child.exited, 0);
  };
  const readLine = async () => {
    const { value } = await reader.read();
    if (!value) await end();
    return new TextDecoder().decode(value).trim();
  };
  await readLine();
  rmSync(path);
  const begin = () => {
    child.stdin.write("\n");
    void child.stdin.flush();
    return readLine();
  };
  return { begin, end };
}
