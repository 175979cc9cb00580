// Sockets that connect, stay, and come back after a restart.
import { check, openProduct, socketUrl, type Bench, type Side } from "./bench.ts";
import { Client, closeAll, inParallel, quantile } from "./client.ts";
import {
  askerOf,
  chatOf,
  chats,
  longChat,
  personOf,
  roomOfAsker,
  senders,
  tokenOf,
} from "./data.ts";

/** Messages that each returning client has missed. */
const missed = 10;

/** Joins a chat from `missed` messages before its end. @throws Error unless exactly those are replayed, in their order */
async function catchUp(client: Client, chatId: number, lastSeq: number): Promise<void> {
  const replayed: number[] = [];
  client.onText = (text) => {
    if (text.startsWith('{"type":"message"')) replayed.push(seqOf(text));
  };
  await client.ask({ type: "join", chat_id: chatId, after_seq: lastSeq - missed });
  client.onText = undefined;
  const expected = Array.from({ length: missed }, (_, place) => lastSeq - missed + 1 + place);
  check("numbers replayed", replayed.join(), expected.join());
}

/** The number of a message frame. Its content has no quotes. */
function seqOf(text: string): number {
  return Number.parseInt(text.slice(text.indexOf('"seq":') + 6), 10);
}

/** Server CPU, in microseconds, of: connect, prove who one is, join with ten messages to catch up, disconnect. */
export async function connecting(bench: Bench, side: Side): Promise<number> {
  const { connects, returning, longChatLength } = bench.scale;
  const server = bench[side];
  const tokens = await tokensOf(bench, returning);
  const before = await server.cpuMicros();
  await inParallel(connects, 4, async (index) => {
    if (side === "reference") {
      const client = await Client.open(socketUrl(server, "topic=1"));
      await client.close();
      return;
    }
    // Another person each time, as after a restart: nothing that the server has kept of the last one helps.
    const token = tokens[index % returning] ?? "";
    const client = await Client.open(socketUrl(server, `token=${token}&frames=flat`));
    await catchUp(client, longChat, longChatLength);
    await client.close();
  });
  return ((await server.cpuMicros()) - before) / connects;
}

function tokensOf(bench: Bench, count: number): Promise<string[]> {
  const people = Array.from({ length: count }, (_, index) => personOf(index));
  return Promise.all(people.map((userId) => tokenOf(userId, bench.secretKey)));
}

/**
 * Resident bytes of one more idle socket; the product's has joined one of its person's 20 chats. A fresh server each time. The
 * first quarter of the sockets is not counted: with them come compiled code and the room that the garbage of a moment takes.
 */
export async function idleSocket(bench: Bench, side: Side): Promise<number> {
  const { idleSockets: sockets, settleMs } = bench.scale;
  const child = await bench.startAnother(side);
  const clients: Client[] = [];
  const open = async (index: number) => {
    const userId = personOf(index);
    if (side === "reference") {
      clients.push(await Client.open(socketUrl(child, `topic=${chatOf(userId)}`)));
      return;
    }
    const client = await openProduct(bench, userId, child);
    await client.ask({ type: "join", chat_id: chatOf(userId) });
    clients.push(client);
  };
  const rssWith = async (count: number) => {
    const from = clients.length;
    await inParallel(count - from, 32, (index) => open(from + index));
    // The memory that a collection frees is given back a moment later.
    for (let collections = 0; collections < 2; collections += 1) {
      await child.rssBytes();
      await Bun.sleep(settleMs);
    }
    return child.rssBytes();
  };
  const first = Math.ceil(sockets / 4);
  const before = await rssWith(first);
  const bytes = (await rssWith(sockets)) - before;
  await child.kill();
  await closeAll(clients);
  return bytes / (sockets - first);
}

export interface Storm {
  /** From the moment at which the server listens again until the last client has everything. */
  caughtUpMs: number;
  /** From the sending of a message to its acknowledgement, for people who are there all the time. */
  othersP99Ms: number;
}

/** Restarts a server, to which all clients return within a moment. */
export async function storm(bench: Bench, side: Side): Promise<Storm> {
  const { stormClients, stormMs } = bench.scale;
  const tokens = side === "product" ? await tokensOf(bench, stormClients) : [];
  const lastSeqs = await lastSeqsOf(bench);
  const server = bench[side];
  await server.restart();
  const others = side === "product" ? await Others.open(bench) : undefined;
  const started = performance.now();
  others?.begin();
  const clients = await Promise.all(
    Array.from({ length: stormClients }, async (_, index) => {
      await Bun.sleep((stormMs / stormClients) * index);
      if (side === "reference") return openPatiently(socketUrl(server, `topic=${index}`));
      const chatId = chatOf(personOf(index));
      const client = await openPatiently(socketUrl(server, `token=${tokens[index]}&frames=flat`));
      await catchUp(client, chatId, lastSeqs.get(chatId) ?? 0);
      return client;
    }),
  );
  const caughtUpMs = performance.now() - started;
  const othersP99Ms = (await others?.end()) ?? Number.NaN;
  check("clients that have returned", clients.length, stormClients);
  await closeAll(clients);
  return { caughtUpMs, othersP99Ms };
}

async function lastSeqsOf({ sql }: Bench): Promise<Map<number, number>> {
  const rows = await sql`select id::int, last_seq::int from chats where id <= ${chats}`;
  return new Map(rows.map(({ id, last_seq }) => [Number(id), Number(last_seq)]));
}

const openTriesMax = 20;
const retryMs = 250;

/** Tries again as clients do when a connection is refused. */
async function openPatiently(url: string): Promise<Client> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await Client.open(url);
    } catch (error) {
      if (tries === openTriesMax) throw error;
      await Bun.sleep(retryMs * (0.5 + Math.random()));
    }
  }
}

/** The same messages at the same rate without a storm. @returns p99 of their acknowledgements in milliseconds */
export async function othersAlone(bench: Bench): Promise<number> {
  const others = await Others.open(bench);
  others.begin();
  await Bun.sleep(bench.scale.seconds * 1_000);
  return others.end();
}

/** People who send at a steady rate, each to a room of their own. */
class Others {
  readonly #clients: Client[];
  readonly #rooms: number[];
  readonly #everyMs: number;
  readonly #delays: number[] = [];
  #lanes: Promise<void>[] = [];
  #isOver = false;

  private constructor(clients: Client[], rooms: number[], everyMs: number) {
    this.#clients = clients;
    this.#rooms = rooms;
    this.#everyMs = everyMs;
  }

  static async open(bench: Bench): Promise<Others> {
    const clients: Client[] = [];
    const rooms: number[] = [];
    for (let index = 0; index < senders; index += 1) {
      const client = await openProduct(bench, askerOf(index));
      const chatId = roomOfAsker(bench.scale, index, 0);
      await client.ask({ type: "join", chat_id: chatId });
      clients.push(client);
      rooms.push(chatId);
    }
    return new Others(clients, rooms, (1_000 * senders) / bench.scale.slowRate);
  }

  begin(): void {
    this.#lanes = this.#clients.map(async (client, place) => {
      await Bun.sleep((this.#everyMs / senders) * place);
      let dueAt = performance.now();
      for (let turn = 0; !this.#isOver; turn += 1) {
        await client.ask({
          type: "message",
          chat_id: this.#rooms[place],
          content: `message ${turn} with some words in it`,
        });
        // From the time at which it was due: a server that is late delays the messages after it, too.
        this.#delays.push(performance.now() - dueAt);
        dueAt += this.#everyMs;
        await Bun.sleep(Math.max(0, dueAt - performance.now()));
      }
    });
  }

  /** Settles when each message is acknowledged. @returns p99 in milliseconds */
  async end(): Promise<number> {
    this.#isOver = true;
    await Promise.all(this.#lanes);
    await closeAll(this.#clients);
    return quantile(this.#delays, 0.99);
  }
}
