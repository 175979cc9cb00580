// A plain TCP balancer, as stands before several servers: new connections go round robin to those that say they are ready,
// and a connection stays where it is.
import { connect, createServer, type Server, type Socket } from "node:net";

const checkMs = 100;
const checkMsMax = 1_000;

export type Balancer = ReturnType<typeof createBalancer>;

/** @param backends addresses, in turn */
export function createBalancer(backends: string[]) {
  const ready = new Set<string>();
  const links = new Set<Socket>();
  let next = 0;
  let server: Server | undefined;
  let checks: ReturnType<typeof setInterval> | undefined;
  let wishes: (() => void)[] = [];

  async function check(backend: string) {
    const reply = await fetch(`${backend}/ready`, {
      signal: AbortSignal.timeout(checkMsMax),
      // Each check by a connection of its own: what was opened before says nothing.
      keepalive: false,
    }).catch(() => undefined);
    if (reply?.ok) ready.add(backend);
    else ready.delete(backend);
    for (const wish of wishes.splice(0)) wish();
  }

  function accept(client: Socket) {
    const able = backends.filter((backend) => ready.has(backend));
    const backend = able[(next += 1) % Math.max(1, able.length)];
    if (backend === undefined) return void client.destroy();
    const { hostname, port } = new URL(backend);
    const upstream = connect({ host: hostname, port: Number(port), noDelay: true });
    client.setNoDelay(true);
    links.add(client);
    const cut = () => {
      links.delete(client);
      client.destroy();
      upstream.destroy();
    };
    for (const [from, to] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      from.pipe(to);
      from.on("error", cut);
      from.on("close", cut);
    }
  }

  return {
    /** @returns its address; takes connections for the backends that are ready by then */
    async start(port = 0): Promise<string> {
      await Promise.all(backends.map(check));
      checks = setInterval(() => backends.forEach((backend) => void check(backend)), checkMs);
      const listening = Promise.withResolvers<void>();
      server = createServer(accept);
      server.once("error", listening.reject);
      server.listen(port, "127.0.0.1", () => listening.resolve());
      await listening.promise;
      const address = server.address();
      return `http://127.0.0.1:${typeof address === "object" && address ? address.port : 0}`;
    },
    /** Settles when it has found a backend ready, or not. */
    async found(backend: string, isReady: boolean) {
      while (ready.has(backend) !== isReady) {
        await new Promise<void>((resolve) => wishes.push(resolve));
      }
    },
    stop() {
      clearInterval(checks);
      server?.close();
      for (const link of links) link.destroy();
    },
  };
}
