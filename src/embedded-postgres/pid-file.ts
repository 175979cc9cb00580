// What PostgreSQL notes in postmaster.pid about the server of a folder, living or dead.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** Above every system's largest pid, so no process ever has it. */
const pidOfNobody = 2_147_483_647;

export interface PidFile {
  pid: number;
  port: number;
  status: string;
}

/** PostgreSQL: src/include/utils/pidfile.h. The port and the status are missing while it starts. */
export function readPidFile(dir: string): PidFile | undefined {
  try {
    const lines = readFileSync(join(dir, "postmaster.pid"), "utf8").split("\n");
    return { pid: Number(lines[0]), port: Number(lines[3]), status: lines[7]?.trim() ?? "" };
  } catch {
    return undefined;
  }
}

/** Whether the server of the folder says of itself that it is shutting down. */
export function isStopping(dir: string): boolean {
  return readPidFile(dir)?.status === "stopping";
}

/** The postmaster that runs on this very folder: a pid alone may long belong to somebody else. */
export function livePostmaster(dir: string): number | undefined {
  const pid = readPidFile(dir)?.pid;
  if (pid === undefined || !(pid > 0)) return undefined;
  return commandOf(pid).includes(`postgres -D ${dir} -c `) ? pid : undefined;
}

/** Empty when there is no such process, or only its zombie. */
function commandOf(pid: number): string {
  if (process.platform === "linux") {
    try {
      return readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ");
    } catch {
      return "";
    }
  }
  return Bun.spawnSync(["ps", "-ww", "-o", "command=", "-p", String(pid)]).stdout.toString();
}

/**
 * PostgreSQL refuses to start when the pid in its file lives, even if it is a stranger by now. Only the pid is replaced and the
 * file stays: by its other lines PostgreSQL still sees whether anything is attached to the shared memory of that run.
 */
export function disownPidFile(dir: string): void {
  const file = join(dir, "postmaster.pid");
  try {
    const [, ...rest] = readFileSync(file, "utf8").split("\n");
    writeFileSync(file, [pidOfNobody, ...rest].join("\n"));
  } catch (error) {
    if (!isMissing(error)) throw error;
  }
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "ENOENT";
}
