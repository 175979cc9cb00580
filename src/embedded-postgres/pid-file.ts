// PostgreSQL's postmaster.pid, which describes the server of a folder, living or dead.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** Larger than any system's largest process id, so no process ever has it. */
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

/** Whether the server of the folder is shutting down, by its own status. */
export function isStopping(dir: string): boolean {
  return readPidFile(dir)?.status === "stopping";
}

/** The process id of the postmaster that runs on this folder. The id in the file may belong to another process by now. */
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
 * Replaces the process id in the file of a dead server: PostgreSQL refuses to start while a process with that id lives, even
 * one that is no PostgreSQL. The file itself stays, since PostgreSQL sees by its other lines whether any process is still
 * attached to the shared memory of that run.
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
