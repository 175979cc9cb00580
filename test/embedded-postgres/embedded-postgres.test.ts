import { afterAll, beforeAll, describe, expect } from "bun:test";
import {
  existsSync,
  mkdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import {
  findPackage,
  unprivilegedAccount,
  usableBinaries,
} from "../../src/embedded-postgres/binaries.ts";
import { openDataDir, locateCluster, prepareCluster } from "../../src/embedded-postgres/cluster.ts";
import {
  borrowEmbeddedPostgres,
  type EmbeddedPostgres,
  startEmbeddedPostgres,
} from "../../src/embedded-postgres/embedded-postgres.ts";
import { freePort, startOnFreePort } from "../../src/embedded-postgres/postmaster.ts";
import {
  deadlineMs,
  embeddedWorld,
  isRoot,
  log,
  postmasterPid,
  query,
  until,
  words,
} from "../world/embedded.ts";
import { longTest, test } from "../world/long.ts";

const { atEnd, freshDir, ownerProcess, seededDir, start } = embeddedWorld();

/** Runs during all tests; they only look at it. */
let running: EmbeddedPostgres;
let runningDir: string;

beforeAll(async () => {
  runningDir = await seededDir("running");
  truncateSync(join(runningDir, "postgres.log"), 11 * 1024 * 1024);
  running = await startEmbeddedPostgres({ dataDir: runningDir, log });
}, deadlineMs);

afterAll(() => running.stop(), deadlineMs);

describe("an embedded database", () => {
  test("keeps what was committed over a stop and a second start, in a path with spaces", async () => {
    const dataDir = await seededDir("two starts");
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

  longTest("runs beside another one, each with its own data and port", async () => {
    const other = await start(await seededDir("other"));
    await query(other.url, "update kept set word = 'changed'");
    expect(new URL(running.url).port).not.toBe(new URL(other.url).port);
    expect(await words(running.url)).toEqual(["still here"]);
  });

  longTest("takes another port when its own was taken before it could", async () => {
    const location = locateCluster(openDataDir(await seededDir("ports")), log);
    const cluster = await prepareCluster(
      location,
      usableBinaries(findPackage(), location.account, log),
      log,
    );
    const taken = Number(new URL(running.url).port);
    const ports = [taken, taken, freePort()];
    const { signal } = new AbortController();
    const postmaster = await startOnFreePort(cluster, signal, () => ports.shift() ?? 0);
    atEnd(() => postmaster.stop());
    expect(postmaster.port).not.toBe(taken);
    expect(ports).toEqual([]);
  });

  test("begins its log anew when that has grown too large", () => {
    expect(statSync(join(runningDir, "postgres.log")).size).toBeLessThan(100_000);
  });

  test.skipIf(!isRoot)("runs as somebody else when we are root", () => {
    expect(statSync(join(runningDir, "postgres")).uid).toBe(unprivilegedAccount().uid);
    expect(statSync(join(runningDir, "postgres.password")).uid).toBe(0);
  });
});

describe("a folder has one owner", () => {
  longTest("so of two starts at once one is refused and told whom to stop", async () => {
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

  longTest("whose database a tool borrows, and leaves running", async () => {
    const dataDir = await seededDir("borrowed");
    const url = await ownerProcess(dataDir).url();
    const borrowed = await borrowEmbeddedPostgres({ dataDir, log });
    expect(borrowed.url).toBe(url);
    await borrowed.stop();
    expect(await words(url)).toEqual(["still here"]);
  });

  longTest("which a tool waits for while it starts", async () => {
    const dataDir = await seededDir("starting");
    rmSync(join(dataDir, "postgres.owner"));
    const owner = ownerProcess(dataDir);
    await until(() => existsSync(join(dataDir, "postgres.owner")));
    const borrowed = await borrowEmbeddedPostgres({ dataDir, log });
    atEnd(() => borrowed.stop());
    expect(borrowed.url).toBe(await owner.url());
  });

  longTest("which is the tool itself when nobody else is, until it is done", async () => {
    const dataDir = await seededDir("own");
    const borrowed = await borrowEmbeddedPostgres({ dataDir, log });
    atEnd(() => borrowed.stop());
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
    await expect(start(join(runningDir, "postgres.log"))).rejects.toThrow(
      /choose another DATA_DIR/,
    );
  });
});
