import { describe, expect } from "bun:test";
import { chownSync, existsSync, readdirSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import {
  embeddedWorld,
  watchdogsOf,
  isAlive,
  isRoot,
  postmasterPid,
  query,
  until,
  words,
} from "../world/embedded.ts";
import { longTest, test } from "../world/long.ts";

const { atEnd, freshDir, ownerProcess, seededDir, start } = embeddedWorld();

describe("after a kill -9", () => {
  test("of the owner PostgreSQL ends by itself, and the next start finds what was committed", async () => {
    const dataDir = await seededDir("killed");
    const owner = ownerProcess(dataDir);
    await query(await owner.url(), "insert into kept values ('committed')");
    const postmaster = postmasterPid(dataDir);
    await owner.kill();
    await until(() => !isAlive(postmaster));
    const { url } = await start(dataDir);
    expect(await words(url)).toEqual(["still here", "committed"]);
  });

  longTest("of the owner the next start may come at once", async () => {
    const dataDir = await seededDir("at once");
    const owner = ownerProcess(dataDir);
    await owner.url();
    await owner.kill();
    const { url } = await start(dataDir);
    expect(await words(url)).toEqual(["still here"]);
  });

  longTest("of the owner and the watchdog the next start stops the orphan", async () => {
    const dataDir = await seededDir("orphan");
    const owner = ownerProcess(dataDir);
    await query(await owner.url(), "insert into kept values ('committed')");
    const postmaster = postmasterPid(dataDir);
    owner.child.kill("SIGSTOP");
    for (const pid of watchdogsOf(postmaster)) process.kill(pid, "SIGKILL");
    await owner.kill();
    expect(isAlive(postmaster)).toBe(true);

    const { url } = await start(dataDir);
    expect(postmasterPid(dataDir)).not.toBe(postmaster);
    expect(isAlive(postmaster)).toBe(false);
    expect(await words(url)).toEqual(["still here", "committed"]);
  });

  longTest("in the middle of making a database the next start makes it", async () => {
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

  longTest(
    "a pid file that names a stranger by now does not stop the next start, and the stranger lives",
    async () => {
      const dataDir = await seededDir("stranger");
      const dir = join(dataDir, "postgres");
      const { uid, gid } = statSync(dir);
      const stranger = Bun.spawn(["sleep", "60"], isRoot ? { uid, gid, cwd: "/" } : {});
      atEnd(() => stranger.kill());
      const pidFile = join(dir, "postmaster.pid");
      const lines = [
        stranger.pid,
        dir,
        1_700_000_000,
        5999,
        "",
        "127.0.0.1",
        "1 1",
        "ready   ",
        "",
      ];
      writeFileSync(pidFile, lines.join("\n"));
      if (isRoot) chownSync(pidFile, uid, gid);

      const { url } = await start(dataDir);
      expect(await words(url)).toEqual(["still here"]);
      expect(isAlive(stranger.pid)).toBe(true);
    },
  );

  longTest("of PostgreSQL alone its owner starts it again at the same address", async () => {
    const dataDir = await seededDir("postmaster");
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

  longTest("of the watchdog alone its owner starts PostgreSQL again under another", async () => {
    const dataDir = await seededDir("watchdog");
    const { url } = await start(dataDir);
    const before = postmasterPid(dataDir);
    process.kill(watchdogsOf(before)[0] ?? 0, "SIGKILL");
    await until(() => postmasterPid(dataDir) !== before && postmasterPid(dataDir) > 0);
    await until(() =>
      words(url)
        .then((found) => found[0] === "still here")
        .catch(() => false),
    );
    expect(isAlive(before)).toBe(false);
  });
});
