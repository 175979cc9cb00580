// `gemini-coop/client/faults`: a proxy between a client and a server that loses, delays, doubles and reorders WebSocket
// messages, and cuts connections, as a seed decides. It needs `node:net`: Bun, or Node.js from version 20 on. Put it in
// front of a server and let any client, in any language, connect to it.
import { connect, createServer, type AddressInfo, type Socket } from "node:net";
import { createMessageReader, type WebSocketMessage } from "./frames.ts";
import { createRandom, type Random } from "./random.ts";

export { createRandom, type Random } from "./random.ts";

/** Seen from the client: `up` goes to the server. */
export type Direction = "up" | "down";

/** What happens to the text messages of a socket: each a probability from 0 to 1, decided for each message. */
export interface SocketFaults {
  /** It does not arrive. */
  drop: number;
  /** It arrives twice. */
  double: number;
  /** It is held back for up to `delayMsMax`, and everything behind it too: a slow network. */
  delay: number;
  /** It is held back for up to `delayMsMax`, and what is behind it overtakes: what no network does, but a server might. */
  reorder: number;
  /** The connection is broken without a close frame, before or after the message has passed. */
  cut: number;
  /** Milliseconds. */
  delayMsMax: number;
  /** Which messages this is about. Default: all */
  concerns(text: string, direction: Direction): boolean;
}

const noFaults: SocketFaults = {
  drop: 0,
  double: 0,
  delay: 0,
  reorder: 0,
  cut: 0,
  delayMsMax: 20,
  concerns: () => true,
};

export interface FaultProxyOptions {
  /** The server behind it, as in `http://127.0.0.1:8000`, or a function that is asked at each connection. No TLS. */
  target: string | (() => string);
  /** The same seed makes the same decisions, if the messages come in the same order. Default: a new one, see `seed` */
  seed?: string;
  /** Default: any free port. */
  port?: number;
}

/** How often each fault was played. */
export type FaultCounts = Record<"drop" | "double" | "delay" | "reorder" | "cut", number>;

export type FaultProxy = Awaited<ReturnType<typeof startFaultProxy>>;

/** Bytes of a request's head at most. */
const headBytesMax = 64 * 1024;
const endOfHead = "\r\n\r\n";

/** Listens on loopback. Without `play` it passes everything on as it is; plain HTTP it always does. */
export async function startFaultProxy(options: FaultProxyOptions) {
  const { target } = options;
  const seed = options.seed ?? crypto.randomUUID().slice(0, 8);
  const random = createRandom(seed);
  let faults = noFaults;
  let accepted = 0;
  let isRefusing = false;
  const counts: FaultCounts = { drop: 0, double: 0, delay: 0, reorder: 0, cut: 0 };
  /** Every open connection: how to cut it, and whether it is a WebSocket. */
  const links = new Map<Socket, Link>();

  interface Link {
    isSocket: boolean;
    isFrozen: boolean;
    cut(): void;
  }

  function accept(client: Socket) {
    client.on("error", () => client.destroy());
    if (isRefusing) return client.destroy();
    accepted += 1;
    const own = random.fork(String(accepted));
    const { hostname, port } = new URL(typeof target === "string" ? target : target());
    const upstream = connect({ host: hostname, port: Number(port || 80) });
    const link: Link = {
      isSocket: false,
      isFrozen: false,
      cut() {
        links.delete(client);
        client.destroy();
        upstream.destroy();
      },
    };
    links.set(client, link);
    for (const socket of [client, upstream]) {
      socket.setNoDelay(true);
      socket.on("error", link.cut);
    }
    // A connection is a WebSocket's from its first request on, or never: no client upgrades one that it has used.
    readHead(client, (head, rest) => {
      link.isSocket = /^upgrade: *websocket/im.test(head);
      if (!link.isSocket) {
        upstream.write(head, "latin1");
        upstream.write(rest);
        pipe(client, upstream);
        pipe(upstream, client);
        return;
      }
      // Compressed messages depend on those before them: without the extension each can be lost alone.
      upstream.write(head.replace(/^sec-websocket-extensions:.*\r\n/gim, ""), "latin1");
      pass(client, upstream, link, "up", own.fork("up"), rest);
      readHead(upstream, (answer, first) => {
        client.write(answer, "latin1");
        pass(upstream, client, link, "down", own.fork("down"), first);
      });
    });
    client.on("close", link.cut);
  }

  function pass(
    from: Socket,
    to: Socket,
    link: Link,
    direction: Direction,
    decide: Random,
    first: Buffer,
  ) {
    const reader = createMessageReader();
    // In order, whatever is waited for.
    let sending = Promise.resolve();
    const write = (bytes: Buffer) => {
      if (!link.isFrozen) passOn(from, to, bytes);
    };

    function send(message: WebSocketMessage) {
      const { bytes, text } = message;
      const fault = text === undefined ? undefined : chooseFault(decide, text, direction);
      if (fault) counts[fault] += 1;
      const ms = decide.int(1, Math.max(faults.delayMsMax, 1));
      if (fault === "drop") return;
      if (fault === "reorder") return void setTimeout(() => write(bytes), ms);
      if (fault === "cut") {
        const arrives = decide.chance(0.5);
        sending = sending.then(() => {
          if (arrives) write(bytes);
          // What was written is to be on its way before.
          setTimeout(link.cut, 1);
        });
        return;
      }
      sending = sending.then(async () => {
        if (fault === "delay") await new Promise((resolve) => setTimeout(resolve, ms));
        write(bytes);
        if (fault === "double") write(bytes);
      });
    }

    const read = (bytes: Buffer) => {
      for (const message of reader.take(bytes)) send(message);
    };
    read(first);
    from.on("data", read);
    from.on("end", () => void sending.then(() => to.end()));
    from.on("close", () => void sending.then(link.cut));
  }

  /** At most one a message. */
  function chooseFault(
    decide: Random,
    text: string,
    direction: Direction,
  ): keyof FaultCounts | undefined {
    let lot = decide.next();
    if (!faults.concerns(text, direction)) return undefined;
    for (const fault of ["drop", "double", "delay", "reorder", "cut"] as const) {
      lot -= faults[fault];
      if (lot < 0) return fault;
    }
    return undefined;
  }

  const sockets = () => [...links.values()].filter((link) => link.isSocket);
  const server = createServer(accept);
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(options.port ?? 0, "127.0.0.1", resolve);
  });
  const { port } = server.address() as AddressInfo;

  return {
    /** What a client gets in place of the server's address. */
    url: `http://127.0.0.1:${port}`,
    /** To play the same again. */
    seed,
    counts,
    /** The faults from now on; those that are not named don't happen any more. */
    play(played: Partial<SocketFaults>) {
      faults = { ...noFaults, ...played };
    },
    /** Breaks every WebSocket without a word, as a tunnel does. @returns how many there were */
    cut(): number {
      const open = sockets();
      for (const link of open) link.cut();
      return open.length;
    },
    /** The WebSockets that are open now stay so, but nothing passes any more: a peer that is gone without a trace. */
    freeze() {
      for (const link of sockets()) link.isFrozen = true;
    },
    /** Every new connection is broken at once, HTTP too, until `accept`. Those that are open stay. */
    refuse() {
      isRefusing = true;
    },
    accept() {
      isRefusing = false;
    },
    get openSockets() {
      return sockets().length;
    },
    async stop() {
      const closed = new Promise((resolve) => server.close(resolve));
      for (const link of [...links.values()]) link.cut();
      await closed;
    },
  };
}

/** Who doesn't read is not written to without end. */
function passOn(from: Socket, to: Socket, bytes: Buffer) {
  if (to.destroyed || to.write(bytes)) return;
  from.pause();
  to.once("drain", () => from.resume());
}

function pipe(from: Socket, to: Socket) {
  from.on("data", (bytes: Buffer) => passOn(from, to, bytes));
  from.on("end", () => to.end());
  from.on("close", () => to.destroy());
}

/** Calls `onHead` once, with a message's first lines and what came behind them. */
function readHead(socket: Socket, onHead: (head: string, rest: Buffer) => void) {
  let bytes: Buffer = Buffer.alloc(0);
  const read = (more: Buffer) => {
    bytes = Buffer.concat([bytes, more]);
    const end = bytes.indexOf(endOfHead);
    if (end === -1) return void (bytes.length > headBytesMax && socket.destroy());
    socket.off("data", read);
    const after = end + endOfHead.length;
    onHead(bytes.toString("latin1", 0, after), bytes.subarray(after));
  };
  socket.on("data", read);
}
