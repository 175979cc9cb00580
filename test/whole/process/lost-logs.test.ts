import { afterAll, expect } from "bun:test";
import { join } from "node:path";
import { borrowDatabase } from "../../world/cluster.ts";
import { freePort } from "../../world/free-port.ts";
import { longTest } from "../../world/long.ts";
import { call, processes, signUp } from "../../world/process.ts";

const { spawn, dataDir, end } = processes();
afterAll(end);

const main = join(import.meta.dir, "../../../src/main.ts");
const linuxTest = process.platform === "linux" ? longTest : longTest.skip;
const readyWithinMs = 20_000;

linuxTest(
  "a server in production whose log is on a full disk serves all the same, and stops in order",
  async () => {
    const port = freePort();
    const env = {
      NODE_ENV: "production",
      SECRET_KEY: "kJ8vN2xQ7mR4tY6wZ1aB3cD5eF9gH0iLkJ8v",
      DATABASE_URL: await borrowDatabase(),
      DATA_DIR: dataDir(),
      PORT: String(port),
    };
    const program = ["/bin/sh", "-c", 'exec "$0" "$1" > /dev/full', process.execPath, main];
    const server = spawn(env, program);
    const reachable = { url: `http://127.0.0.1:${port}` };
    const isReady = () =>
      call(reachable, "GET", "/ready").then(
        ({ status }) => status === 200,
        () => false,
      );
    const deadline = Date.now() + readyWithinMs;
    while (!(await isReady()) && Date.now() < deadline) await Bun.sleep(50);
    await signUp(reachable, "anna");
    expect(await isReady()).toBe(true);
    expect(await server.stop()).toBe(0);
    expect(server.output).toBe("");
  },
);
