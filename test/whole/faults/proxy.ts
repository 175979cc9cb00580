// Stands between the server and PostgreSQL, and understands just enough of the protocol
// (https://www.postgresql.org/docs/17/protocol-message-formats.html) to cut a connection after a commit went through
// and before its reply arrives.
import { connect, createServer, type Server, type Socket } from "node:net";
import type { Random } from "./random.ts";

export interface ProxyFaults {
  /** Share of writes that are committed and then cut off without a reply. */
  dropAfterCommit: number;
  /** Share of writes that are cut off before PostgreSQL receives them. */
  dropBefore: number;
  /** Share of writes that are cut off once PostgreSQL has them; it may commit them after their retry has begun. */
  dropDuring: number;
  /** Share of replies that are held back for a while, so that others overtake them. */
  delay: number;
  delayMsMax: number;
}

const noFaults: ProxyFaults = {
  dropAfterCommit: 0,
  dropBefore: 0,
  dropDuring: 0,
  delay: 0,
  delayMsMax: 0,
};

export type Proxy = Awaited<ReturnType<typeof startProxy>>;

export async function startProxy(databaseUrl: string, random: Random) {
  let faults = noFaults;
  let target = Number(new URL(databaseUrl).port);
  let dropped = 0;
  const links = new Set<Socket>();

  function accept(client: Socket) {
    const upstream = connect({ host: "127.0.0.1", port: target, noDelay: true });
    client.setNoDelay(true);
    const cut = () => {
      links.delete(client);
      client.destroy();
      upstream.destroy();
    };
    links.add(client);
    const requests = readRequests();
    const replies = readReplies();
    let sending = Promise.resolve();
    let isCut = false;

    client.on("data", (bytes: Buffer) => {
      const writes = requests.read(bytes);
      if (writes > 0 && random.chance(faults.dropBefore)) {
        dropped += 1;
        return cut();
      }
      upstream.write(bytes);
      if (writes > 0 && random.chance(faults.dropDuring)) {
        dropped += 1;
        isCut = true;
        client.destroy();
      }
    });
    upstream.on("data", (bytes: Buffer) => {
      if (isCut) return cut();
      const committed = replies.read(bytes, requests.next);
      if (committed && random.chance(faults.dropAfterCommit)) {
        dropped += 1;
        isCut = true;
        return cut();
      }
      const late = random.chance(faults.delay);
      const ms = late ? random.int(1, faults.delayMsMax) : 0;
      // In the order of this connection; only others may overtake.
      sending = sending.then(async () => {
        if (ms > 0) await Bun.sleep(ms);
        if (!client.destroyed) client.write(bytes);
      });
    });
    // PostgreSQL's last bytes are delivered before the connection is cut.
    const end = () => void sending.then(cut);
    for (const event of ["error", "end", "close"]) {
      upstream.on(event, end);
      client.on(event, () => isCut || end());
    }
  }

  let server: Server | undefined;
  const listen = (port: number) =>
    new Promise<number>((resolve, reject) => {
      server = createServer(accept);
      server.once("error", reject);
      server.listen(port, "127.0.0.1", () => {
        const address = server?.address();
        resolve(typeof address === "object" && address ? address.port : 0);
      });
    });

  const port = await listen(0);
  const url = new URL(databaseUrl);
  url.port = String(port);

  async function refuse() {
    const closed = new Promise<void>((resolve) => {
      if (server) server.close(() => resolve());
      else resolve();
    });
    server = undefined;
    for (const link of links) link.destroy();
    await closed;
  }

  return {
    /** The server's DATABASE_URL. */
    url: url.href,
    /** How many connections were cut for a write. */
    get dropped() {
      return dropped;
    },
    play(played: Partial<ProxyFaults>) {
      faults = { ...noFaults, ...played };
    },
    /** Connections are refused, as by a host whose PostgreSQL is gone, until {@link accept}. */
    refuse,
    async accept(databasePort: number) {
      target = databasePort;
      await listen(port);
    },
    stop: refuse,
  };
}

const wordsOfWrites = /\b(insert into|update \w+|delete from)\b/i;

/** Follows what a client asks: which of the statements that are running write something. */
function readRequests() {
  const writing = new Map<string, boolean>();
  const running: boolean[] = [];
  const messages = readMessages({ startup: true });
  return {
    /** @returns how many writes these bytes ask for */
    read(bytes: Buffer): number {
      let writes = 0;
      for (const { type, body } of messages.read(bytes)) {
        const [first = "", second = ""] = body.toString("latin1").split("\0", 2);
        if (type === "P") writing.set(first, wordsOfWrites.test(second));
        if (type !== "B" && type !== "Q") continue;
        const writes_ = type === "B" ? writing.get(second) === true : wordsOfWrites.test(first);
        running.push(writes_);
        if (writes_) writes += 1;
      }
      return writes;
    },
    next: () => running.shift() ?? false,
  };
}

/** Follows what PostgreSQL answers. */
function readReplies() {
  const messages = readMessages({ startup: false });
  let wrote = false;
  return {
    /** @returns whether a write has been committed with these bytes */
    read(bytes: Buffer, next: () => boolean): boolean {
      let committed = false;
      for (const { type } of messages.read(bytes)) {
        // CommandComplete comes before the commit, ReadyForQuery after it.
        if (type === "C" && next()) wrote = true;
        if (type === "E") next();
        if (type === "Z") {
          committed ||= wrote;
          wrote = false;
        }
      }
      return committed;
    },
  };
}

/** Cuts a stream of bytes into the protocol's messages. @param options.startup the first one has no type */
function readMessages({ startup }: { startup: boolean }) {
  let rest = Buffer.alloc(0);
  let untyped = startup;
  return {
    read(bytes: Buffer): { type: string; body: Buffer }[] {
      rest = Buffer.concat([rest, bytes]);
      const found: { type: string; body: Buffer }[] = [];
      for (;;) {
        const head = untyped ? 0 : 1;
        if (rest.length < head + 4) return found;
        const end = head + rest.readUInt32BE(head);
        if (rest.length < end) return found;
        if (!untyped) {
          found.push({ type: rest.toString("latin1", 0, 1), body: rest.subarray(5, end) });
        }
        untyped = false;
        rest = rest.subarray(end);
      }
    },
  };
}
