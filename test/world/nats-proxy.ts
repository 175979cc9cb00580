// Stands between a server and NATS, and understands just enough of the protocol
// (https://docs.nats.io/reference/reference-protocols/nats-protocol) to lose, delay and double whole messages.
import { connect, createServer, type Server, type Socket } from "node:net";

export interface BusFaults {
  /** Share of the messages that are lost, in both directions. */
  drop: number;
  /** Share of the messages to the server that come twice, the second time after `doubleMs`. */
  double: number;
  doubleMs: number;
  /** Milliseconds for which everything is held back. */
  delayMs: number;
}

const noFaults: BusFaults = { drop: 0, double: 0, doubleMs: 20, delayMs: 0 };

export type NatsProxy = Awaited<ReturnType<typeof startNatsProxy>>;

/** @param chance whether something of a share happens this time */
export async function startNatsProxy(
  natsUrl: string,
  chance: (share: number) => boolean = (share) => Math.random() < share,
) {
  let faults = noFaults;
  let isCut = false;
  let faulted = 0;
  const links = new Set<Socket>();
  const target = Number(new URL(natsUrl).port);

  function forward(from: Socket, to: Socket, verbs: RegExp, mayDouble: boolean) {
    const messages = readMessages(verbs);
    let sending = Promise.resolve();
    const write = (bytes: Buffer) => {
      if (!to.destroyed) to.write(bytes);
    };
    from.on("data", (bytes: Buffer) => {
      for (const { isMessage, bytes: part } of messages(bytes)) {
        if (isMessage && chance(faults.drop)) {
          faulted += 1;
          continue;
        }
        const { delayMs, doubleMs } = faults;
        sending = sending.then(async () => {
          if (delayMs > 0) await Bun.sleep(delayMs);
          write(part);
        });
        if (!isMessage || !mayDouble || !chance(faults.double)) continue;
        faulted += 1;
        setTimeout(() => {
          sending = sending.then(() => write(part));
        }, doubleMs);
      }
    });
  }

  function accept(client: Socket) {
    if (isCut) return void client.destroy();
    const upstream = connect({ host: "127.0.0.1", port: target, noDelay: true });
    client.setNoDelay(true);
    const cut = () => {
      links.delete(client);
      client.destroy();
      upstream.destroy();
    };
    links.add(client);
    forward(client, upstream, /^H?PUB /i, false);
    forward(upstream, client, /^H?MSG /i, true);
    for (const end of [client, upstream]) {
      end.on("error", cut);
      end.on("close", cut);
    }
  }

  const server: Server = createServer(accept);
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(0, "127.0.0.1", resolve);
  });
  const address = server.address();
  const port = typeof address === "object" && address ? address.port : 0;
  return {
    url: `nats://127.0.0.1:${port}`,
    /** Messages that were lost or doubled. */
    get faulted() {
      return faulted;
    },
    play(played: Partial<BusFaults>) {
      faults = { ...noFaults, ...played };
    },
    /** Ends all connections and refuses new ones, until {@link mend}. */
    cut() {
      isCut = true;
      for (const link of links) link.destroy();
    },
    mend() {
      isCut = false;
    },
    stop() {
      for (const link of links) link.destroy();
      server.close();
    },
  };
}

/** Cuts a stream into its lines, a message with its payload. @param verbs begin the lines of messages */
function readMessages(verbs: RegExp) {
  let rest: Buffer = Buffer.alloc(0);
  return (bytes: Buffer): { isMessage: boolean; bytes: Buffer }[] => {
    rest = rest.length === 0 ? bytes : Buffer.concat([rest, bytes]);
    const found: { isMessage: boolean; bytes: Buffer }[] = [];
    for (;;) {
      const lineEnd = rest.indexOf("\r\n");
      if (lineEnd < 0) return found;
      const line = rest.toString("latin1", 0, lineEnd);
      const isMessage = verbs.test(line);
      const payload = isMessage ? Number(/(\d+)$/.exec(line)?.[1]) + 2 : 0;
      const end = lineEnd + 2 + payload;
      if (rest.length < end) return found;
      found.push({ isMessage, bytes: rest.subarray(0, end) });
      rest = rest.subarray(end);
    }
  };
}
