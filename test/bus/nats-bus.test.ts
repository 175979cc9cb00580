// How a server reaches NATS, and how it signs in.
import { afterAll, describe, expect } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { nkeys } from "@nats-io/transport-node";
import { pino } from "pino";
import type { BusState } from "../../src/bus/bus.ts";
import { NatsBus } from "../../src/bus/nats-bus.ts";
import { readBusSettings } from "../../src/config/bus-settings.ts";
import { longTest, test } from "../world/long.ts";
import { createNats, hasNats } from "../world/nats.ts";

const folder = mkdtempSync(join(tmpdir(), "gemini-coop-nats-"));
afterAll(() => rmSync(folder, { recursive: true }));

const metrics = { busWentAway() {}, busSent() {}, busReceived() {} };

/** A server's bus with some settings, and what it is told. */
function startBus(given: Record<string, string>, onMessage = (_: string) => {}) {
  const { settings, faults } = readBusSettings(given);
  expect(faults).toEqual([]);
  if (!settings) throw new Error("there are no settings");
  const lines: { reason?: string; msg: string }[] = [];
  const wishes: (() => void)[] = [];
  const log = pino(
    { level: "warn" },
    {
      write: (line) => {
        lines.push(JSON.parse(line));
        for (const wish of wishes.splice(0)) wish();
      },
    },
  );
  const bus = new NatsBus(settings, { log, metrics });
  const got: string[] = [];
  bus.start({
    onMessage(subject, payload) {
      got.push(`${subject} ${new TextDecoder().decode(payload)}`);
      for (const wish of wishes.splice(0)) wish();
      onMessage(got.at(-1) ?? "");
    },
    onState() {
      for (const wish of wishes.splice(0)) wish();
    },
  });
  const next = () => new Promise<void>((resolve) => wishes.push(resolve));
  return {
    bus,
    got,
    lines,
    async until(state: BusState) {
      while (bus.state !== state) await next();
    },
    next,
  };
}

async function openssl(...args: string[]) {
  const child = Bun.spawn(["openssl", ...args], {
    cwd: folder,
    stdio: ["ignore", "ignore", "pipe"],
  });
  if ((await child.exited) !== 0) throw new Error(await new Response(child.stderr).text());
}

describe.skipIf(!hasNats)("a bus over NATS", () => {
  const user = nkeys.createUser();
  test.each<[how: string, config: string, given: (port: number) => Record<string, string>]>([
    ["with nothing", "", (port) => ({ NATS_URL: `127.0.0.1:${port}` })],
    [
      "with a user of the address",
      'authorization { user: ann, password: "p@ss" }',
      (port) => ({ NATS_URL: `nats://ann:p%40ss@127.0.0.1:${port}` }),
    ],
    [
      "with a user of the settings",
      "authorization { user: ann, password: s3cret }",
      (port) => ({
        NATS_URL: `nats://127.0.0.1:${port}`,
        NATS_USER: "ann",
        NATS_PASSWORD: "s3cret",
      }),
    ],
    [
      "with a token",
      "authorization { token: s3cret }",
      (port) => ({ NATS_URL: `nats://127.0.0.1:${port}`, NATS_TOKEN: "s3cret" }),
    ],
    [
      "with the second of two addresses",
      "",
      (port) => ({ NATS_URL: `nats://127.0.0.1:1,nats://127.0.0.1:${port}` }),
    ],
  ])("is reached %s", async (_, config, given) => {
    const nats = createNats(config);
    await nats.start();
    const [one, two] = [startBus(given(nats.port)), startBus(given(nats.port))];
    two.bus.subscribe("gemini-coop.chat.1");
    await Promise.all([one, two].map((bus) => bus.until("up")));
    expect(await two.bus.flush(5_000)).toBe(true);
    one.bus.publish("gemini-coop.chat.1", new TextEncoder().encode("hello"));
    while (two.got.length === 0) await two.next();
    expect(two.got).toEqual(["gemini-coop.chat.1 hello"]);
    await one.bus.stop();
    await two.bus.stop();
    await nats.stop();
  });

  test("is reached with an NKEY", async () => {
    const nats = createNats(`authorization { users: [ { nkey: ${user.getPublicKey()} } ] }`);
    await nats.start();
    const file = join(folder, "seed");
    await Bun.write(file, new TextDecoder().decode(user.getSeed()));
    const { bus, until } = startBus({ NATS_URL: nats.url, NATS_NKEY: file });
    await until("up");
    await bus.stop();
    await nats.stop();
  });

  longTest(
    "is reached over TLS, with an authority of its own and a certificate of the server",
    async () => {
      const subject = (name: string) => ["-subj", `/CN=${name}`];
      await openssl(
        "req",
        "-x509",
        "-newkey",
        "rsa:2048",
        "-nodes",
        "-keyout",
        "ca.key",
        "-out",
        "ca.pem",
        ...subject("authority"),
      );
      await Bun.write(join(folder, "san"), "subjectAltName=IP:127.0.0.1,DNS:localhost");
      for (const name of ["nats", "server"]) {
        await openssl(
          "req",
          "-newkey",
          "rsa:2048",
          "-nodes",
          "-keyout",
          `${name}.key`,
          "-out",
          `${name}.csr`,
          ...subject(name),
        );
        await openssl(
          "x509",
          "-req",
          "-in",
          `${name}.csr`,
          "-CA",
          "ca.pem",
          "-CAkey",
          "ca.key",
          "-CAcreateserial",
          "-out",
          `${name}.pem`,
          "-extfile",
          "san",
        );
      }
      const path = (name: string) => join(folder, name);
      const nats = createNats(
        `tls { cert_file: "${path("nats.pem")}", key_file: "${path("nats.key")}", ca_file: "${path("ca.pem")}", verify: true }`,
      );
      await nats.start();
      const url = nats.url.replace("nats:", "tls:");
      const known = startBus({
        NATS_URL: url,
        NATS_TLS_CA: path("ca.pem"),
        NATS_TLS_CERT: path("server.pem"),
        NATS_TLS_KEY: path("server.key"),
      });
      await known.until("up");
      await known.bus.stop();
      const unknown = startBus({ NATS_URL: url });
      while (unknown.lines.length === 0) await unknown.next();
      expect(unknown.bus.state).toBe("away");
      await unknown.bus.stop();
      await nats.stop();
    },
  );

  test("goes on after a message that could not be handled, which is logged", async () => {
    const nats = createNats();
    await nats.start();
    const given = { NATS_URL: nats.url };
    const one = startBus(given);
    const two = startBus(given, (message) => {
      if (message.endsWith("bad")) throw new Error("this is handled badly");
    });
    two.bus.subscribe("gemini-coop.chat.1");
    await Promise.all([one, two].map((bus) => bus.until("up")));
    expect(await two.bus.flush(5_000)).toBe(true);
    for (const text of ["bad", "good"]) {
      one.bus.publish("gemini-coop.chat.1", new TextEncoder().encode(text));
    }
    while (two.got.length < 2) await two.next();
    expect(two.got.at(-1)).toBe("gemini-coop.chat.1 good");
    expect(two.lines).toMatchObject([{ msg: expect.stringContaining("could not be handled") }]);
    await one.bus.stop();
    await two.bus.stop();
    await nats.stop();
  });

  test("that refuses the password says so once, and takes it once it is right", async () => {
    const nats = createNats("authorization { user: ann, password: right }");
    await nats.start();
    const { bus, lines, next } = startBus({ NATS_URL: nats.url.replace("//", "//ann:wrong@") });
    while (lines.length === 0) await next();
    expect(lines).toMatchObject([
      {
        reason: expect.stringMatching(/authorization violation/i),
        msg: expect.stringContaining("cannot be reached"),
      },
    ]);
    expect(JSON.stringify(lines)).not.toContain("wrong");
    await bus.stop();
    await nats.stop();
  });

  test("that is not there at the start is reached when it is", async () => {
    const nats = createNats();
    const { bus, until, lines } = startBus({ NATS_URL: nats.url });
    bus.publish("gemini-coop.chat.1", new Uint8Array([1]));
    expect(await bus.flush(1_000)).toBe(false);
    await nats.start();
    await until("up");
    await nats.kill();
    await until("away");
    await nats.start();
    await until("up");
    expect(lines.map(({ msg }) => msg)).toEqual(
      expect.arrayContaining([expect.stringContaining("is away")]),
    );
    await bus.stop();
    await nats.stop();
  });
});
