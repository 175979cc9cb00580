// Values as people write them.
import { describe, expect, test } from "bun:test";
import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readConfig } from "../../src/config/config.ts";
import { faultsOf } from "./faults.ts";
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

describe("an address", () => {
  test.each([
    ["https://CHAT.example.com/", "https://chat.example.com"],
    ["https://chat.example.com:443", "https://chat.example.com"],
    ["http://chat.example.com:8080", "http://chat.example.com:8080"],
    ["https://münchen.example", "https://xn--mnchen-3ya.example"],
    ["http://[::1]:3000", "http://[::1]:3000"],
  ])("of an origin, %s, is taken as browsers spell it, %s", (text, origin) => {
    const config = readConfig({ PUBLIC_URL: text, CORS_ORIGINS: `${text}, *` });
    expect(config.publicUrl).toBe(origin);
    expect(config.corsOrigins).toEqual([origin, "*"]);
  });

  test.each([
    "http://*.example.com",
    "https://a.example/path",
    "https://ann@a.example",
    "https://a.example?x",
    "a.example",
    "http:a.example",
    "ftp://a.example",
  ])("%s, which is no origin, is refused with one message for each setting", (text) => {
    const faults = faultsOf({ PUBLIC_URL: text, CORS_ORIGINS: text });
    expect(faults).toHaveLength(2);
    for (const fault of faults) expect(fault).toContain("https://host[:port]");
  });

  test.each(["smtp://", "smtps://:465", "smtp:mail", "mail.example"])(
    "%s of a mail server is refused, which has no host",
    (text) => {
      expect(faultsOf({ SMTP_URL: text, MAIL_FROM: "a@b.c" })).toEqual([
        expect.stringContaining("SMTP_URL: must be an address such as smtp://"),
      ]);
    },
  );

  test("of a store has no password, which would be in the log", () => {
    const keys = { S3_BUCKET: "b", S3_ACCESS_KEY_ID: "a", S3_SECRET_ACCESS_KEY: "s" };
    expect(faultsOf({ ...keys, S3_ENDPOINT: "http://a:hunter2@store:9000" })).toEqual([
      expect.stringContaining("S3_ENDPOINT: must be without a user"),
    ]);
    expect(faultsOf({ ...keys, S3_ENDPOINT: "http://store:9000" })).toEqual([]);
  });
});

test.each(["S3_ENDPOINT", "S3_ACCESS_KEY_ID", "S3_SECRET_ACCESS_KEY"])(
  "%s without a bucket is refused, since files would be kept in a folder",
  (name) => {
    expect(faultsOf({ [name]: "http://store:9000" })).toEqual([
      `  - S3_BUCKET: must be set, because ${name} is`,
    ]);
  },
);
