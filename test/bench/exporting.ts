// Exports of a long chat and of a person's data: how fast they are, and how much memory the server needs for them meanwhile.
import { connect } from "node:net";
import { once } from "node:events";
import { check, type Bench } from "./bench.ts";
import { longChat, senders, tokenOf } from "./data.ts";

export const kinds = ["jsonl", "md", "html", "account"] as const;
export type Kind = (typeof kinds)[number];

const reader = 1;
const sampleMs = 50;
/** The bytes that a slow reader takes at a time, and its pause after them. */
const slowReadBytes = 65_536;
const slowPauseMs = 20;
const megabyte = 1_000_000;

export interface Exported {
  /** Messages of the database a second, most of which a person's own data have not. */
  perSecond: number;
  grownMegabytes: number;
}

const pathOf = (kind: Kind) =>
  kind === "account" ? "/api/auth/me/export" : `/api/chats/${longChat}/export?format=${kind}`;

/** The text that begins each message of a file. */
const beginnings: Record<Kind, string> = {
  jsonl: '\n{"type":"message"',
  md: "\n## ",
  html: '\n<article id="m',
  account: '\n{"type":"message"',
};

function endOf(kind: Kind, count: number): string {
  const sentence = `End of the export. Messages: ${count}.`;
  switch (kind) {
    case "jsonl":
      return `{"type":"end","complete":true,"messages":${count}}\n`;
    case "md":
      return `${sentence}\n`;
    case "html":
      return `<footer>${sentence}</footer></body></html>\n`;
    case "account":
      return '{"type":"end","complete":true}\n';
  }
}

/** Counts the messages of a file that comes in pieces, and keeps its end. */
class Tail {
  readonly #beginning: string;
  #tail = "";
  count = 0;

  constructor(kind: Kind) {
    this.#beginning = beginnings[kind];
  }

  add(text: string) {
    const kept = this.#tail.slice(1 - this.#beginning.length);
    const seen = kept + text;
    this.count += seen.split(this.#beginning).length - 1;
    this.#tail = (this.#tail + text).slice(-200);
  }

  endsWith(end: string): boolean {
    return this.#tail.endsWith(end);
  }
}

/** The most resident bytes of the server while something is done, beyond those before it, garbage included. */
export async function growthDuring(
  { product }: Bench,
  work: () => Promise<unknown>,
): Promise<number> {
  const before = await product.rssBytes();
  let most = before;
  let isDone = false;
  const watching = (async () => {
    while (!isDone) {
      most = Math.max(most, await product.residentBytes());
      await Bun.sleep(sampleMs);
    }
  })();
  await work().finally(() => (isDone = true));
  await watching;
  return (most - before) / megabyte;
}

const results = new WeakMap<object, Map<Kind, Promise<Exported>>>();

/** Exports once in each kind: the rows about its speed and its memory are of the same export. */
export function whole(bench: Bench, kind: Kind): Promise<Exported> {
  const known = results.getOrInsertComputed(bench.sql, () => new Map());
  return known.getOrInsertComputed(kind, () => exportWhole(bench, kind));
}

async function exportWhole(bench: Bench, kind: Kind): Promise<Exported> {
  const authorization = `Bearer ${await tokenOf(reader, bench.secretKey)}`;
  const { longChatLength } = bench.scale;
  const tail = new Tail(kind);
  let seconds = 0;
  const grownMegabytes = await growthDuring(bench, async () => {
    const started = performance.now();
    const response = await fetch(bench.product.url + pathOf(kind), { headers: { authorization } });
    check("status of an export", response.status, 200);
    const decoder = new TextDecoder();
    for await (const chunk of response.body ?? []) {
      tail.add(decoder.decode(chunk, { stream: true }));
    }
    seconds = (performance.now() - started) / 1_000;
  });
  check("whole exports", Number(tail.endsWith(endOf(kind, longChatLength))), 1);
  // The data of a person have messages of other chats, too.
  const least = kind === "account" ? Math.floor(longChatLength / senders) : longChatLength;
  check(
    "messages of an export",
    kind === "account" ? Math.min(tail.count, least) : tail.count,
    least,
  );
  return { perSecond: longChatLength / seconds, grownMegabytes };
}

/** The growth in megabytes while somebody reads some 3 MB a second of an export that the server could make faster. */
export async function slow(bench: Bench): Promise<number> {
  const token = await tokenOf(reader, bench.secretKey);
  const { hostname, port } = new URL(bench.product.url);
  return await growthDuring(bench, async () => {
    const socket = connect(Number(port), hostname);
    try {
      await once(socket, "connect");
      socket.write(
        `GET ${pathOf("jsonl")} HTTP/1.1\r\nHost: ${hostname}\r\nAuthorization: Bearer ${token}\r\nConnection: close\r\n\r\n`,
      );
      const deadline = performance.now() + bench.scale.slowReadMs;
      let read = 0;
      while (performance.now() < deadline && !socket.destroyed) {
        const chunk: unknown = socket.read(slowReadBytes) ?? socket.read();
        if (Buffer.isBuffer(chunk)) read += chunk.length;
        await Bun.sleep(slowPauseMs);
      }
      check("slow readers who get something", Number(read > 0), 1);
    } finally {
      socket.destroy();
    }
  });
}
