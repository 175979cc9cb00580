// A real nats-server, which may be killed, stopped for a while, and started again on the same port.
import { rmSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePort } from "./free-port.ts";

const program = Bun.which("nats-server", { PATH: `${process.env.PATH}:/usr/sbin` });
const startMsMax = 10_000;

/** Whether nats-server is installed here; it says so when it isn't. */
export const hasNats = program !== null;
if (!hasNats) console.warn("The tests with NATS are skipped where nats-server is not installed.");

const running = new Set<Bun.Subprocess>();
process.on("exit", () => {
  for (const child of running) child.kill("SIGKILL");
});

export type Nats = ReturnType<typeof createNats>;

/** @param settings of its configuration file */
export function createNats(settings = "") {
  const port = freePort();
  const file = join(tmpdir(), `gemini-coop-nats-${port}-${crypto.randomUUID()}.conf`);
  let child: Bun.Subprocess | undefined;

  async function kill() {
    const killed = child;
    child = undefined;
    if (!killed) return;
    killed.kill("SIGKILL");
    await killed.exited;
    running.delete(killed);
  }

  return {
    port,
    url: `nats://127.0.0.1:${port}`,
    async start() {
      if (program === null) throw new Error("nats-server is not installed");
      writeFileSync(file, settings);
      child = Bun.spawn([program, "-a", "127.0.0.1", "-p", String(port), "-c", file], {
        stdio: ["ignore", "ignore", "ignore"],
        cwd: "/",
      });
      running.add(child);
      const deadline = performance.now() + startMsMax;
      while (!(await listens(port))) {
        if (performance.now() > deadline) throw new Error("nats-server did not start");
        await Bun.sleep(20);
      }
    },
    kill,
    /** It answers nothing, and keeps its connections, until {@link resume}. */
    pause: () => child?.kill("SIGSTOP"),
    resume: () => child?.kill("SIGCONT"),
    async stop() {
      await kill();
      rmSync(file, { force: true });
    },
  };
}

function listens(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    socket.once("connect", () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", () => resolve(false));
  });
}
