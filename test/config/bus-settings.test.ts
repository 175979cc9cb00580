// The settings of the bus between servers.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readBusSettings } from "../../src/config/bus-settings.ts";
import { ConfigError, readConfig } from "../../src/config/config.ts";

let folder: string;
const file = (name: string, text: string) => {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
};
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "gemini-coop-bus-settings-"));
});
afterAll(() => rmSync(folder, { recursive: true }));

const pem = "-----BEGIN CERTIFICATE-----\nx\n-----END CERTIFICATE-----\n";
const seed = `SU${"A".repeat(56)}`;
const creds = "-----BEGIN NATS USER JWT-----\nx\n-----BEGIN USER NKEY SEED-----\ny\n";

test("without NATS_URL there is no bus", () => {
  expect(readBusSettings({})).toEqual({ settings: undefined, faults: [] });
});

test("several addresses, with and without a port and a scheme, make one bus", () => {
  const { settings, faults } = readBusSettings({
    NATS_URL: "nats://10.0.0.1, nats://[::1]:4333,bus.example.com:80",
  });
  expect(faults).toEqual([]);
  expect(settings).toEqual({
    servers: ["10.0.0.1:4222", "[::1]:4333", "bus.example.com:80"],
    tls: undefined,
    credentials: undefined,
    prefix: "gemini-coop",
  });
});

test("the ways to sign in and the files of TLS are read", () => {
  const credentialsOf = (given: Record<string, string>) =>
    readBusSettings({ NATS_URL: "nats://a", ...given }).settings?.credentials;
  expect(credentialsOf({ NATS_URL: "nats://ann:p%40ss@a" })).toEqual({
    kind: "password",
    user: "ann",
    password: "p@ss",
  });
  expect(credentialsOf({ NATS_URL: "nats://s3cret@a" })).toEqual({
    kind: "token",
    token: "s3cret",
  });
  expect(credentialsOf({ NATS_USER: "ann", NATS_PASSWORD: "p" })).toMatchObject({ user: "ann" });
  expect(credentialsOf({ NATS_TOKEN: "t" })).toEqual({ kind: "token", token: "t" });
  expect(credentialsOf({ NATS_NKEY: file("nkey", `${seed}\n`) })).toEqual({ kind: "nkey", seed });
  expect(credentialsOf({ NATS_CREDS: file("creds", creds) })).toMatchObject({ kind: "creds" });
  const { settings } = readBusSettings({
    NATS_URL: "tls://a",
    NATS_TLS_CA: file("ca", pem),
    NATS_TLS_CERT: file("cert", pem),
    NATS_TLS_KEY: file("key", pem),
  });
  expect(settings?.tls).toEqual({ ca: pem, cert: pem, key: pem });
});

describe("a fault is told in a sentence", () => {
  test.each<[given: Record<string, string>, words: string]>([
    [{ NATS_URL: "redis://a" }, "begins with redis://"],
    [{ NATS_URL: "wss://a" }, "begins with wss://"],
    [{ NATS_URL: "nats://" }, "must be addresses such as"],
    [{ NATS_URL: "nats://a:0" }, "must be addresses such as"],
    [{ NATS_URL: "nats://:s3cret@a" }, "has a password without a user"],
    [{ NATS_URL: "nats://a:99999" }, "must be addresses such as"],
    [{ NATS_URL: "nats://a,,nats://b" }, "has an empty address"],
    [{ NATS_URL: "nats://a/path" }, "has more than a host and a port"],
    [{ NATS_URL: "nats://a?tls=1" }, "has more than a host and a port"],
    [{ NATS_URL: "nats://%zz:b@a" }, "not percent-encoded correctly"],
    [{ NATS_URL: "nats://a,tls://b" }, "has both nats:// and tls://"],
    [{ NATS_URL: "nats://x:1@a,nats://x:2@b" }, "different users or passwords"],
    [{ NATS_URL: "nats://x:1@a", NATS_TOKEN: "t" }, "several ways to sign in"],
    [{ NATS_URL: "nats://a", NATS_USER: "ann" }, "NATS_PASSWORD are needed together"],
    [{ NATS_URL: "nats://a", NATS_CREDS: "/nowhere/x.creds" }, "/nowhere/x.creds does not exist"],
    [{ NATS_URL: "nats://a", NATS_NKEY: "/etc/hostname" }, "has no seed of a user"],
    [{ NATS_URL: "tls://a", NATS_TLS_CA: "/nowhere/ca.pem" }, "/nowhere/ca.pem does not exist"],
    [{ NATS_URL: "tls://a", NATS_TLS_CA: "/etc/hostname" }, "has no PEM text"],
    [{ NATS_URL: "tls://a", NATS_TLS_CERT: "/etc/hostname" }, "NATS_TLS_KEY are needed together"],
    [{ NATS_URL: "nats://a", NATS_TLS_CA: "/etc/hostname" }, "must begin with tls://"],
    [{ NATS_URL: "nats://a", NATS_PREFIX: "a.b" }, "NATS_PREFIX: may have letters"],
    [{ NATS_CREDS: "/nowhere" }, "NATS_CREDS: needs NATS_URL"],
  ])("%o", (given, words) => {
    const { settings, faults } = readBusSettings(given);
    expect(settings).toBeUndefined();
    expect(faults.join("\n")).toContain(words);
  });

  test("together with the others, and without a password", () => {
    const read = () => readConfig({ PORT: "x", NATS_URL: "nats://ann:s3cret@a/x,http://b" });
    expect(read).toThrow(ConfigError);
    expect(read).toThrow(/PORT: [^]*NATS_URL: has more[^]*NATS_URL: begins with http:/);
    expect(read).not.toThrow(/s3cret/);
  });
});

test("servers with a bus count requests together unless said otherwise", () => {
  expect(readConfig({}).rates.store).toBe("memory");
  expect(readConfig({ NATS_URL: "nats://a" }).rates.store).toBe("postgres");
  expect(readConfig({ NATS_URL: "nats://a", RATE_LIMITS: "memory" }).rates.store).toBe("memory");
});
