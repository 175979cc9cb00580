// A real nginx, and how to wait for a proxy that is being started.
import { mkdtempSync } from "node:fs";
import { createConnection, createServer } from "node:net";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";

const program = Bun.which("nginx", { PATH: `${process.env.PATH}:/usr/sbin` });

/** Whether nginx is installed here. */
export const hasNginx = program !== null;

/** A port that was free a moment ago. */
export async function freePort(): Promise<number> {
  const { promise, resolve } = Promise.withResolvers<number>();
  const server = createServer().listen(0, "127.0.0.1", () => {
    const address = server.address();
    const port = address !== null && typeof address === "object" ? address.port : 0;
    server.close(() => resolve(port));
  });
  return await promise;
}

/** Whether something listens on a port. */
async function isListening(port: number): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const socket = createConnection(port, "127.0.0.1", () => resolve(true));
  socket.on("error", () => resolve(false));
  const answer = await promise;
  socket.destroy();
  return answer;
}

/** A proxy tells nobody when it listens, so that it is asked every 10 ms. */
export async function untilListening(port: number, child: Bun.Subprocess): Promise<void> {
  for (let tries = 0; tries < 1_000 && child.exitCode === null; tries += 1) {
    if (await isListening(port)) return;
    await delay(10);
  }
  throw new Error(`the proxy did not start: exit code ${child.exitCode}`);
}

/**
 * Starts nginx in the foreground, in a folder of its own within `folder`.
 * @param config everything beside what the test needs to run it; it listens on this port of 127.0.0.1
 */
export async function startNginx(
  folder: string,
  config: (port: number, dir: string) => string,
): Promise<{ port: number; child: Bun.Subprocess; said: () => Promise<string> }> {
  const port = await freePort();
  const dir = mkdtempSync(join(folder, "nginx-"));
  await Bun.write(join(dir, "nginx.conf"), `daemon off; master_process off;\n${config(port, dir)}`);
  const said = Bun.file(join(dir, "stderr.log"));
  const child = Bun.spawn(
    [program ?? "", "-e", `${dir}/error.log`, "-p", dir, "-c", "nginx.conf"],
    {
      stdio: ["ignore", "ignore", said],
    },
  );
  await untilListening(port, child).catch(async (error: unknown) => {
    throw new Error(await said.text(), { cause: error });
  });
  return { port, child, said: () => said.text() };
}
