// Values as people write them.
import { describe, expect, test } from "bun:test";
import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readConfig } from "../../src/config/config.ts";
import { localUrl } from "../../src/config/local-url.ts";
import { removeFolder } from "../world/folder.ts";

describe("a setting", () => {
  test("has no white space around it, such as the newline that a secret got from echo", () => {
    const vapid = {
      VAPID_PUBLIC_KEY:
        "BGsX0fLhLEJH-Lzm5WOkQPJ3A32BLeszoPShOUXYmMKWT-NC4v4af5uO5-tKfA-eFivOM1drMV7Oy7ZAaDe_UfU",
      VAPID_PRIVATE_KEY: "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAE\n",
    };
    const config = readConfig({
      PORT: " 8080\n",
      DATA_DIR: "data ",
      GEMINI_API_KEY: "key\r\n",
      NATS_URL: "nats://bus",
      NATS_TOKEN: "token\n",
      ...vapid,
    });
    expect([config.port, config.dataDir, config.gemini.apiKey]).toEqual([8080, "data", "key"]);
    expect(config.bus?.credentials).toEqual({ kind: "token", token: "token" });
    expect(config.vapid?.privateKey).toBe(vapid.VAPID_PRIVATE_KEY.trim());
  });

  test("of nothing but white space is not set", () => {
    const config = readConfig({ HOST: " ", DATA_DIR: "\t", SECRET_KEY: " ", DATABASE_URL: "\n" });
    expect([config.host, config.dataDir]).toEqual(["0.0.0.0", ".data"]);
    expect([config.secretKey, config.database]).toEqual([undefined, undefined]);
  });

  test("keeps every byte if it is a key, since other servers have sealed secrets with these", () => {
    const { secretKey } = readConfig({ SECRET_KEY: "a key with its newline\n" });
    expect(secretKey).toBe("a key with its newline\n");
  });

  test("with # and $ in a .env file arrives as it is in the way that .env.example describes", () => {
    const folder = mkdtempSync(join(tmpdir(), "gemini-coop settings "));
    try {
      writeFileSync(join(folder, ".env"), String.raw`GEMINI_API_KEY="pa\$\$word\$HOME#1"`);
      const program = "process.stdout.write(process.env.GEMINI_API_KEY)";
      const child = Bun.spawnSync([process.execPath, "-e", program], { cwd: folder, env: {} });
      expect(child.stdout.toString()).toBe("pa$$word$HOME#1");
    } finally {
      removeFolder(folder);
    }
  });
});

describe("HOST", () => {
  test.each([
    ["0.0.0.0", "http://localhost:8000"],
    ["::", "http://localhost:8000"],
    ["::1", "http://[::1]:8000"],
    ["127.0.0.2", "http://127.0.0.2:8000"],
    ["my_server.example", "http://my_server.example:8000"],
  ])("%s is reached on its machine at %s", (HOST, url) => {
    expect(localUrl(readConfig({ HOST }))).toBe(url);
  });

  test.each(["[::1]", "localhost:8000", "http://localhost", "a b"])("%s is refused", (HOST) => {
    expect(() => readConfig({ HOST })).toThrow(/HOST: must be an address of this machine/);
  });
});
