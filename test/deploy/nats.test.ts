// deploy/nats.conf in a real nats-server.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createConnection } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePort, untilListening } from "../world/nginx.ts";

const program = Bun.which("nats-server", { PATH: `${process.env.PATH}:/usr/sbin` });
if (!program)
  console.warn("The test of NATS's settings is skipped where nats-server is not installed.");

describe.skipIf(!program)("NATS with the settings of Compose", () => {
  let folder: string;
  let child: Bun.Subprocess | undefined;
  let port: number;
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), "gemini-coop-nats-"));
    port = await freePort();
    const config = readFileSync(join(import.meta.dir, "../../deploy/nats.conf"), "utf8")
      .replace("0.0.0.0:4222", `127.0.0.1:${port}`)
      .replace("127.0.0.1:8222", `127.0.0.1:${await freePort()}`);
    await Bun.write(join(folder, "nats.conf"), config);
    child = Bun.spawn([program ?? "", "--config", join(folder, "nats.conf")], {
      env: { NATS_USER: "ann", NATS_PASSWORD: "right" },
      stdio: ["ignore", "ignore", "ignore"],
    });
    await untilListening(port, child);
  });
  afterAll(async () => {
    child?.kill();
    await child?.exited;
    rmSync(folder, { recursive: true });
  });

  /** The greeting of the server to a client that connects (https://docs.nats.io/reference/reference-protocols/nats-protocol). */
  async function answerTo(credentials: object): Promise<string> {
    const said = Promise.withResolvers<string>();
    let text = "";
    const socket = createConnection(port, "127.0.0.1")
      .on("data", (bytes: Buffer) => {
        text += bytes;
        if (/PONG|-ERR/.test(text)) said.resolve(text);
      })
      .on("error", said.reject);
    const options = { verbose: false, pedantic: false, ...credentials };
    socket.write(`CONNECT ${JSON.stringify(options)}\r\nPING\r\n`);
    return await said.promise.finally(() => socket.destroy());
  }

  test("lets in who has the password of its environment, and nobody else", async () => {
    expect(await answerTo({ user: "ann", pass: "right" })).toContain("PONG");
    expect(await answerTo({ user: "ann", pass: "wrong" })).toContain("Authorization Violation");
    expect(await answerTo({})).toContain("Authorization Violation");
  });
});
