// The real server as a child process, which may be killed and started again on the same port and data.
import { within } from "../../../src/schedule.ts";
import type { Cleanup } from "../../world/cleanup.ts";
import { freePort } from "../../world/free-port.ts";
import { spawnServer, type ServerProcess } from "../../world/process.ts";

const stopMsMax = 15_000;
const linesKept = 30;
/** Lines of an error in the log, and errors and processes that are remembered. */
const errorLines = 25;
const errorsMax = 3;
const processesMax = 50;
/** A server that died by itself is reported, and started again so that its users need not wait in vain. */
const revivalsMax = 3;

const running = new Set<ServerProcess>();
process.on("exit", () => {
  for (const server of running) server.signal("SIGKILL");
});

export type ServerChild = ReturnType<typeof createServerChild>;

/**
 * @param env the server's environment, in addition to its address
 * @param onDied is called when the server ends by itself
 * @param cleanup once it runs, no server is started any more
 */
export function createServerChild(
  env: Record<string, string>,
  onDied: (words: string) => void,
  cleanup: Cleanup,
) {
  const port = freePort();
  let current: ServerProcess | undefined;
  let revivals = 0;
  let kills = 0;
  const begun: ServerProcess[] = [];
  const lastLines = (server: ServerProcess) =>
    server.output.trim().split("\n").slice(-linesKept).join("\n");

  function begin(): ServerProcess {
    cleanup.check();
    const server = spawnServer({ ...env, PORT: String(port) }, "/");
    current = server;
    begun.push(server);
    if (begun.length > processesMax) begun.shift();
    running.add(server);
    void server.exited.then((code) => {
      running.delete(server);
      if (current !== server) return;
      onDied(`the server ended by itself with ${code}:\n${lastLines(server)}`);
      revivals += 1;
      if (revivals <= revivalsMax && !cleanup.isRunning) begin();
    });
    return server;
  }

  async function kill() {
    const server = current;
    current = undefined;
    kills += 1;
    server?.signal("SIGKILL");
    await server?.exited;
  }

  return {
    url: `http://127.0.0.1:${port}`,
    /** Begins a start that nobody waits for. */
    begin,
    /** Settles when it takes requests. */
    start: () => begin().listening(),
    /** kill -9. */
    kill,
    /** It does nothing, and keeps its connections, until {@link resume}. */
    pause: () => current?.signal("SIGSTOP"),
    resume: () => current?.signal("SIGCONT"),
    get kills() {
      return kills;
    },
    servers: 1,
    /** An orderly stop, by force after a while. @returns its exit code, 0 when there was nothing to stop */
    async stop(): Promise<number> {
      const server = current;
      current = undefined;
      if (!server) return 0;
      if (!(await within(stopMsMax, server.stop()))) server.signal("SIGKILL");
      return server.exited;
    },
    /** The last errors in the logs of all its processes, and the last lines of the present one. */
    lastLines: () =>
      [
        ...begun.flatMap(({ output }) => errorsIn(output)).slice(-errorsMax),
        current ? lastLines(current) : "",
      ].join("\n"),
  };
}

function errorsIn(output: string): string[] {
  const lines = output.split("\n");
  return lines.flatMap((line, at) =>
    /\bERROR\b/.test(line) ? [lines.slice(at, at + errorLines).join("\n")] : [],
  );
}
