import { afterAll, expect, test } from "bun:test";
import { mkdtempSync, rmSync, statSync, writeFileSync, readdirSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { keptSecretKey } from "../../../src/accounts/secret-key.ts";

const folder = mkdtempSync(join(tmpdir(), "secret key "));
afterAll(() => rmSync(folder, { recursive: true }));

test("servers that start at the same moment make one secret key, which only its owner can read", async () => {
  for (let round = 0; round < 20; round += 1) {
    const dataDir = join(folder, `round ${round}`);
    const keys = await Promise.all(Array.from({ length: 8 }, () => keptSecretKey(dataDir)));
    expect(new Set(keys).size).toBe(1);
    expect(keys[0]?.length).toBeGreaterThanOrEqual(32);
    expect(await keptSecretKey(dataDir)).toBe(keys[0] ?? "");
    expect(readdirSync(dataDir)).toEqual(["secret-key"]);
    expect(statSync(join(dataDir, "secret-key")).mode & 0o777).toBe(0o600);
  }
});

test("a secret key that somebody has emptied is not replaced in silence", async () => {
  writeFileSync(join(folder, "secret-key"), "");
  expect(keptSecretKey(folder)).rejects.toThrow(/holds no secret key/);
});
