// Several servers on one database behind a balancer, which people use as one.
import { join } from "node:path";
import type { Cleanup } from "../../world/cleanup.ts";
import { createBalancer } from "./balancer.ts";
import { freePort } from "../../world/free-port.ts";
import { createServerChild } from "./server.ts";

export type ServerGroup = ReturnType<typeof createServerGroup>;

/**
 * @param env the environment of all of them
 * @param ownEnvs what is added to it for each server
 * @param onDied is called when a server ends by itself, or does not end in order
 */
export function createServerGroup(
  env: Record<string, string>,
  ownEnvs: readonly Record<string, string>[],
  onDied: (words: string) => void,
  cleanup: Cleanup,
) {
  const nodes = ownEnvs.map((own, index) => {
    const dataDir = join(env.DATA_DIR ?? "", `server ${index + 1}`);
    return createServerChild({ ...env, ...own, DATA_DIR: dataDir }, onDied, cleanup);
  });
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
    /** kill -9, and another start; settles when the balancer uses it again. */
    async killAndStart(node: (typeof nodes)[number]) {
      restarts += 1;
      await node.kill();
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
