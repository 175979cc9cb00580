// Embedded databases for tests of how they live and die: data folders, owners in processes of their own, and their pids.
import { afterAll, afterEach, setDefaultTimeout } from "bun:test";
import { chmodSync, mkdtempSync, readFileSync, realpathSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pino from "pino";
import postgres from "postgres";
import { z } from "zod";
import {
  type EmbeddedPostgres,
  startEmbeddedPostgres,
} from "../../src/embedded-postgres/embedded-postgres.ts";
import { copyDataFolder, prepareDataFolder } from "./data-folder.ts";
import { removeFolder } from "./folder.ts";

export const log = pino({ level: "silent" });
export const isRoot = process.getuid?.() === 0;
export const deadlineMs = 15_000;
const ownerScript = join(import.meta.dir, "embedded-owner.ts");

const Answer = z.union([z.object({ url: z.string() }), z.object({ error: z.string() })]);

/** Folders of one test file, gone after it. What a test starts here ends after the test. */
export function embeddedWorld() {
  // Making a database takes a second, on a busy machine several.
  setDefaultTimeout(2 * deadlineMs);
  // A space, since paths have them; open, since as root another account runs PostgreSQL.
  const base = realpathSync(mkdtempSync(join(tmpdir(), "embedded ")));
  chmodSync(base, 0o755);
  let seeded: Promise<string> | undefined;
  /** Ended after the test in the reverse order. */
  const endings: (() => unknown)[] = [];
  afterEach(async () => {
    for (const end of endings.splice(0).reverse()) await end();
  }, deadlineMs);
  afterAll(() => removeFolder(base), deadlineMs);

  function openDir(name: string): string {
    const dir = mkdtempSync(join(base, `${name} `));
    chmodSync(dir, 0o755);
    return dir;
  }

  /** A data folder that does not exist yet. */
  const freshDir = (name: string) => join(openDir(name), ".data");

  async function seed(): Promise<string> {
    const dataDir = prepareDataFolder(freshDir("seeded"));
    const database = await startEmbeddedPostgres({ dataDir, log });
    await query(database.url, "create table kept (word text)");
    await query(database.url, "insert into kept values ('still here')");
    await database.stop();
    return dataDir;
  }

  return {
    openDir,
    freshDir,

    /** A data folder of a stopped database that keeps one word. */
    async seededDir(name: string): Promise<string> {
      const dataDir = freshDir(name);
      copyDataFolder(await (seeded ??= seed()), dataDir);
      return dataDir;
    },

    async start(dataDir: string): Promise<EmbeddedPostgres> {
      const database = await startEmbeddedPostgres({ dataDir, log });
      endings.push(() => database.stop());
      return database;
    },

    atEnd: (end: () => unknown) => void endings.push(end),
    /** After the ends of all that the test starts. */
    atVeryEnd: (end: () => unknown) => void endings.unshift(end),

    /** A process of its own that has (or fails to get) the database of a folder. */
    ownerProcess(dataDir: string, account?: { uid: number; gid: number }) {
      const child = Bun.spawn([process.execPath, ownerScript, dataDir], {
        stdin: "pipe",
        stdout: "pipe",
        stderr: "inherit",
        ...account,
      });
      // Below the ends of all who might have the folder.
      endings.unshift(() => until(() => !isAlive(postmasterPid(dataDir))));
      endings.push(() => {
        child.kill("SIGKILL");
        return child.exited;
      });
      return {
        child,
        async answer() {
          const reader = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
          let line = "";
          while (!line.includes("\n")) {
            const { value, done } = await reader.read();
            if (done) break;
            line += value;
          }
          return Answer.parse(JSON.parse(line));
        },
        async url() {
          const answer = await this.answer();
          if ("error" in answer) throw new Error(answer.error);
          return answer.url;
        },
        async kill() {
          child.kill("SIGKILL");
          await child.exited;
        },
      };
    },
  };
}

export async function query(url: string, text: string): Promise<Record<string, unknown>[]> {
  const sql = postgres(url, { max: 1, connect_timeout: 5, onnotice: () => {} });
  try {
    return [...(await sql.unsafe(text))];
  } finally {
    await sql.end({ timeout: 1 });
  }
}

export async function words(url: string): Promise<unknown[]> {
  return (await query(url, "select word from kept")).map((row) => row.word);
}

export async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = Date.now() + deadlineMs;
  while (!(await holds())) {
    if (Date.now() > deadline) throw new Error(`still not so: ${holds}`);
    await Bun.sleep(10);
  }
}

export function postmasterPid(dataDir: string): number {
  try {
    return parseInt(readFileSync(join(dataDir, "postgres/postmaster.pid"), "utf8"), 10);
  } catch {
    return 0;
  }
}

/** A zombie is not: some machines' first process does not reap. */
export function isAlive(pid: number): boolean {
  try {
    if (!(pid > 0 && process.kill(pid, 0))) return false;
    if (process.platform !== "linux") return true;
    return !/^State:\s*Z/m.test(readFileSync(`/proc/${pid}/status`, "utf8"));
  } catch {
    return false;
  }
}

function pids(command: string[]): number[] {
  return Bun.spawnSync(command).stdout.toString().split(/\s+/).filter(Boolean).map(Number);
}

/** The watchdog of a postmaster and its child that reads the pipe, found without `ps`, which some machines lack. */
export function watchdogsOf(postmaster: number): number[] {
  if (process.platform !== "linux") {
    const [watchdog = 0] = pids(["ps", "-o", "ppid=", "-p", String(postmaster)]);
    return [
      watchdog,
      ...pids(["pgrep", "-P", String(watchdog)]).filter((pid) => pid !== postmaster),
    ];
  }
  const watchdog = Number(
    /^PPid:\s*(\d+)/m.exec(readFileSync(`/proc/${postmaster}/status`, "utf8"))?.[1],
  );
  const children = pids(["cat", `/proc/${watchdog}/task/${watchdog}/children`]);
  return [watchdog, ...children.filter((pid) => pid !== postmaster)];
}
