// Two servers on one database behind a balancer, which people use as one.
import { join } from "node:path";
import { createBalancer } from "./balancer.ts";
import { createServerChild, freePort } from "./server.ts";

export type ServerPair = ReturnType<typeof createServerPair>;

/** @param env of both. @param onDied is told when one ends by itself, or does not end as it should */
export function createServerPair(env: Record<string, string>, onDied: (words: string) => void) {
  const nodes = ["one", "two"].map((name) =>
    createServerChild({ ...env, DATA_DIR: join(env.DATA_DIR ?? "", name) }, onDied),
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
