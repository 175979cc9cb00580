// `bun run bench` and `bun run faults` end the processes that they have started and remove their folders when a signal
// stops them. The processes are found in /proc, which only Linux has.
import { afterEach, beforeEach, expect } from "bun:test";
import { chmodSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { longTest } from "../../world/long.ts";

const root = join(import.meta.dir, "../../..");
const timeoutMs = 120_000;
const pollMs = 50;

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "gemini-coop-stopped-"));
  // As root, another account runs PostgreSQL, and has to reach its folder.
  chmodSync(folder, 0o755);
});
afterEach(() => {
  for (const { pid } of processes()) process.kill(pid, "SIGKILL");
  rmSync(folder, { recursive: true, force: true });
});

/** The processes whose arguments or environment name the folder: the program, and everything that it has started. */
function processes() {
  const pids = readdirSync("/proc").filter((name) => /^\d+$/.test(name));
  return pids.flatMap((pid) => {
    const [command, environment] = [read(`/proc/${pid}/cmdline`), read(`/proc/${pid}/environ`)];
    const isOurs = (command + environment).includes(folder);
    return isOurs ? [{ pid: Number(pid), command: command.replaceAll("\0", " ") }] : [];
  });
}

function read(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return ""; // The process has ended.
  }
}

longTest.skipIf(!existsSync("/proc")).each<[tool: string, args: string[], started: RegExp]>([
  ["bench", [], /bin\/postgres -D/],
  ["bench", ["--compare", "HEAD"], /\/checkout/],
  ["faults", ["--only", "kill -9", "--only", "sockets cut"], /data\/postgres -c/],
])(
  "%s with the arguments %j leaves no process and no folder behind when SIGINT and SIGTERM stop it",
  async (tool, args, started) => {
    const script = join(root, tool === "bench" ? "test/bench/run.ts" : "test/whole/faults/run.ts");
    const child = Bun.spawn([process.execPath, script, ...args], {
      cwd: root,
      env: { PATH: process.env.PATH, TMPDIR: folder },
      stdio: ["ignore", "ignore", "pipe"],
    });
    const isRunning = () => processes().some(({ command }) => started.test(command));
    while (!isRunning() && child.exitCode === null) await Bun.sleep(pollMs);
    child.kill("SIGINT");
    // `bun run` forwards what a terminal has sent already.
    child.kill("SIGTERM");
    expect(await child.exited, await child.stderr.text()).toBeGreaterThan(128);
    // What a child has started may end a moment later, by the end of its pipe.
    while (processes().length > 0) await Bun.sleep(pollMs);
    expect(readdirSync(folder)).toEqual([]);
  },
  timeoutMs,
);
