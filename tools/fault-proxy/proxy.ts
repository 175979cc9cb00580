// `gemini-coop/client/faults`: a proxy between a client and a server that loses, delays, duplicates and reorders WebSocket
// messages and cuts connections. A seed determines its decisions. It needs `node:net`, which Bun and Node.js have; clients
// in any language can connect to it.
import { connect, createServer, type AddressInfo, type Server, type Socket } from "node:net";
import { noFaults, type FaultCounts, type SocketFaults } from "./faults.ts";
import { Link } from "./link.ts";
import { createRandom, type Random } from "./random.ts";

export type { Direction, FaultCounts, SocketFaults } from "./faults.ts";
export { createRandom, type Random } from "./random.ts";

export interface FaultProxyOptions {
  /** The server's address, such as `http://127.0.0.1:8000`, or a function that returns it for each connection. No TLS. */
  target: string | (() => string);
  /** The same seed makes the same decisions, if the messages arrive in the same order. Default: a random one, see `seed` */
  seed?: string;
  /** Default: any free port. */
  port?: number;
}

/**
 * Starts a proxy on the loopback interface. It passes everything on unchanged until `play` is called, and HTTP always.
 * @throws Error if the port is in use
 */
export async function startFaultProxy(options: FaultProxyOptions): Promise<FaultProxy> {
  const proxy = new FaultProxy(options);
  await proxy.listen(options.port ?? 0);
  return proxy;
}

/** Public methods are properties, so that they may be passed on without the object. */
export class FaultProxy {
  /** The seed with which a run can be repeated. */
  readonly seed: string;
  readonly counts: FaultCounts = { drop: 0, double: 0, delay: 0, reorder: 0, cut: 0 };
  readonly #target: string | (() => string);
  readonly #random: Random;
  readonly #server: Server;
  readonly #links = new Set<Link>();
  #faults = noFaults;
  #accepted = 0;
  #isRefusing = false;

  constructor({ target, seed = crypto.randomUUID().slice(0, 8) }: FaultProxyOptions) {
    this.seed = seed;
    this.#target = target;
    this.#random = createRandom(seed);
    this.#server = createServer((client) => this.#connect(client));
  }

  /** The address that clients use instead of the server's. */
  get url(): string {
    const { port } = this.#server.address() as AddressInfo;
    return `http://127.0.0.1:${port}`;
  }

  get openSockets(): number {
    return this.#sockets().length;
  }

  readonly listen = (port: number): Promise<void> =>
    new Promise((resolve, reject) => {
      this.#server.once("error", reject);
      this.#server.listen(port, "127.0.0.1", resolve);
    });

  /** Replaces the faults: those that are not named do not happen any more. */
  readonly play = (faults: Partial<SocketFaults>): void => {
    this.#faults = { ...noFaults, ...faults };
  };

  /** Breaks every WebSocket without a close frame. @returns the number of WebSockets that were open */
  readonly cut = (): number => {
    const open = this.#sockets();
    for (const link of open) link.cut();
    return open.length;
  };

  /** Passes nothing any more on the WebSockets that are open, without closing them: their peers have vanished. */
  readonly freeze = (): void => {
    for (const link of this.#sockets()) link.freeze();
  };

  /** Breaks every new connection at once, until `accept` is called. Open connections stay. */
  readonly refuse = (): void => {
    this.#isRefusing = true;
  };

  readonly accept = (): void => {
    this.#isRefusing = false;
  };

  readonly stop = async (): Promise<void> => {
    const closed = new Promise((resolve) => this.#server.close(resolve));
    for (const link of [...this.#links]) link.cut();
    await closed;
  };

  #sockets(): Link[] {
    return [...this.#links].filter((link) => link.isWebSocket);
  }

  #connect(client: Socket) {
    client.on("error", () => client.destroy());
    if (this.#isRefusing) return client.destroy();
    this.#accepted += 1;
    const target = typeof this.#target === "string" ? this.#target : this.#target();
    const { hostname, port } = new URL(target);
    const link = new Link({
      client,
      upstream: connect({ host: hostname, port: Number(port || 80) }),
      random: this.#random.fork(String(this.#accepted)),
      counts: this.counts,
      faults: () => this.#faults,
      onEnd: () => this.#links.delete(link),
    });
    this.#links.add(link);
  }
}
