// Two servers on one database behind a balancer, which people use as one.
import { join } from "node:path";
import type { Cleanup } from "../../world/cleanup.ts";
import { createBalancer } from "./balancer.ts";
import { freePort } from "../../world/free-port.ts";
import { createServerChild } from "./server.ts";

export type ServerPair = ReturnType<typeof createServerPair>;

/**
 * @param env the environment of both
 * @param onDied is called when a server ends by itself, or does not end in order
 */
export function createServerPair(
  env: Record<string, string>,
  onDied: (words: string) => void,
  cleanup: Cleanup,
) {
  const nodes = ["one", "two"].map((name) =>
    createServerChild({ ...env, DATA_DIR: join(env.DATA_DIR ?? "", name) }, onDied, cleanup),
  );
  const balancer = createBalancer(nodes.map((node) => node.url));
  const port = freePort();
  let restarts = 0;

  return {
    url: `http://127.0.0.1:${port}`,
    nodes,
    async start() {
      await Promise.all(nodes.map((node) => node.start()));
      await balancer.start(port);
    },
    /** Whoever takes over asks the model to go on, as after a kill. */
    get kills() {
      return restarts;
    },
    servers: nodes.length,
    /** SIGTERM, and another start; settles when the balancer uses it again. */
    async restart(node: (typeof nodes)[number]) {
      restarts += 1;
      const lines = node.lastLines();
      const code = await node.stop();
      if (code !== 0) onDied(`a server that was told to stop ended with ${code}:\n${lines}`);
      await node.start();
      await balancer.found(node.url, true);
    },
    async stop() {
      balancer.stop();
      await Promise.all(nodes.map((node) => node.stop()));
    },
    lastLines: () => nodes.map((node) => node.lastLines()).join("\n"),
  };
}
