import { afterAll, expect, test } from "bun:test";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { archiveFolder, extractFolder } from "../../src/file-store/folder-archive.ts";
import { FolderStore } from "../../src/file-store/folder-store.ts";

const folder = mkdtempSync(join(tmpdir(), "gemini-coop-archive-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function* one(bytes: Uint8Array) {
  yield bytes;
}
const key = () => crypto.randomUUID();

async function filled(name: string) {
  const store = new FolderStore(join(folder, name));
  const contents = [1, 511, 512, 513, 3_000_000].map((size) =>
    crypto.getRandomValues(Buffer.alloc(Math.min(size, 60_000), size)),
  );
  const files = new Map<string, Buffer>();
  for (const bytes of contents) {
    const name = key();
    files.set(name, bytes);
    await store.write(name, one(bytes));
  }
  return { store, files };
}

test("an archive restores all files, and tar reads it", async () => {
  const { files } = await filled("from");
  const path = join(folder, "a.files.tar");
  expect(await archiveFolder(join(folder, "from"), path)).toBe(5);
  expect(await extractFolder(path, join(folder, "to"))).toBe(5);
  const restored = new FolderStore(join(folder, "to"));
  for (const [name, bytes] of files) {
    const got = await new Response(await restored.read(name)).bytes();
    expect(Buffer.from(got).equals(bytes)).toBe(true);
  }
  expect(await extractFolder(path, join(folder, "to"))).toBe(5);
  const tar = Bun.spawnSync(["tar", "-tf", path]);
  expect(tar.stdout.toString().trim().split("\n").length).toBe(5);
  expect(archiveFolder(join(folder, "from"), path)).rejects.toThrow("exists already");
});

test("no folder yet is an empty archive", async () => {
  const path = join(folder, "empty.files.tar");
  expect(await archiveFolder(join(folder, "none"), path)).toBe(0);
  expect(await extractFolder(path, join(folder, "none"))).toBe(0);
});

test("an archive that was cut off or changed, or leads out of the folder, is refused", async () => {
  await filled("more");
  const path = join(folder, "b.files.tar");
  await archiveFolder(join(folder, "more"), path);
  const whole = readFileSync(path);
  const refused = async (bytes: Uint8Array) => {
    const bad = join(folder, `${key()}.tar`);
    writeFileSync(bad, bytes);
    const to = join(folder, key());
    expect(extractFolder(bad, to)).rejects.toThrow(/cut off|was changed/);
  };
  await refused(whole.subarray(0, 100));
  await refused(whole.subarray(0, -1_500));
  const changed = Buffer.from(whole);
  changed[3] = 0x41;
  await refused(changed);
  const outside = mkdtempSync(join(folder, "evil-"));
  writeFileSync(join(outside, "evil"), "x");
  Bun.spawnSync([
    "tar",
    "-cf",
    join(folder, "evil.tar"),
    "-C",
    outside,
    "--transform=s,evil,../../evil,",
    "-P",
    "evil",
  ]);
  await refused(readFileSync(join(folder, "evil.tar")));
  expect(existsSync(join(folder, "evil"))).toBe(false);
});

test("the store writes into folders by name, and accepts no other names", async () => {
  const { store, files } = await filled("store");
  const [first = ""] = files.keys();
  const path = join(folder, "store", first.slice(0, 2), first.slice(2, 4));
  expect(readdirSync(path)).toEqual([first]);
  for (const bad of ["../x", "a/b", "A", "a.b", ""]) {
    expect(store.write(bad, one(new Uint8Array(1)))).rejects.toThrow("a key of a file");
  }
  await store.remove(first);
  await store.remove(first);
  expect(await store.read(first)).toBeUndefined();
  await store.check();
  writeFileSync(join(folder, "a-file"), "x");
  expect(new FolderStore(join(folder, "a-file")).check()).rejects.toThrow("make it writable");
});
