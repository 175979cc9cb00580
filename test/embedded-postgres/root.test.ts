import { describe, expect } from "bun:test";
import {
  chmodSync,
  chownSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  realpathSync,
  rmSync,
  statSync,
  symlinkSync,
} from "node:fs";
import { dirname, join } from "node:path";
import {
  canEnter,
  findPackage,
  unprivilegedAccount,
  usableBinaries,
} from "../../src/embedded-postgres/binaries.ts";
import { embeddedWorld, isRoot, log, query, words } from "../world/embedded.ts";
import { longTest, test } from "../world/long.ts";

const { atVeryEnd, freshDir, openDir, ownerProcess, start } = embeddedWorld();

describe.skipIf(!isRoot)("as root", () => {
  longTest(
    "a data folder under one that only root may enter has its database elsewhere, and finds it again",
    async () => {
      const parent = openDir("closed");
      chmodSync(parent, 0o700);
      const dataDir = join(parent, ".data");
      const first = await start(dataDir);
      atVeryEnd(() => rmSync(home, { recursive: true }));
      const home = dirname(realpathSync(join(dataDir, "postgres")));
      expect(lstatSync(join(dataDir, "postgres")).isSymbolicLink()).toBe(true);
      await query(first.url, "create table kept as select 'still here' as word");
      await first.stop();
      const second = await start(dataDir);
      expect(await words(second.url)).toEqual(["still here"]);

      const copy = join(openDir("copy"), ".data");
      expect(Bun.spawnSync(["cp", "-RPp", dataDir, copy]).success).toBe(true);
      await expect(start(copy)).rejects.toThrow(/is in use by process/);
      await second.stop();
    },
  );

  test("a database whose place has gone is not silently replaced by an empty one", async () => {
    const dataDir = freshDir("gone");
    mkdirSync(dataDir);
    symlinkSync(join(dataDir, "nowhere/postgres"), join(dataDir, "postgres"));
    await expect(start(dataDir)).rejects.toThrow(/which is gone/);
  });

  test("programs under a folder that only root may enter are copied once to where they can run", () => {
    const closed = openDir("programs");
    const native = join(closed, "native");
    expect(Bun.spawnSync(["cp", "-RPp", findPackage().native, native]).success).toBe(true);
    chmodSync(closed, 0o700);
    const account = unprivilegedAccount();
    const copies = join(openDir("copies"), "made");
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
  longTest.skipIf(!reachable)("an ordinary user's PostgreSQL runs as that user", async () => {
    const parent = openDir("ordinary");
    chownSync(parent, nobody.uid, nobody.gid);
    chmodSync(parent, 0o700);
    const url = await ownerProcess(join(parent, ".data"), nobody).url();
    expect(await query(url, "select 1 as works")).toEqual([{ works: 1 }]);
    expect(statSync(join(parent, ".data/postgres")).uid).toBe(nobody.uid);
  });
});
