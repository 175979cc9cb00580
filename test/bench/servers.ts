// Several servers that share their rooms over one NATS.
import { pino } from "pino";
import { z } from "zod";
import { NatsBus } from "../../src/bus/nats-bus.ts";
import { within } from "../../src/schedule.ts";
import { createNats, type Nats } from "../world/nats.ts";
import { freePort } from "../world/free-port.ts";
import { check, openProduct, type Bench } from "./bench.ts";
import type { Child } from "./child.ts";
import { Client, closeAll, inParallel, quantile } from "./client.ts";
import { askerOf, roomOfAsker } from "./data.ts";
import { questionOf } from "./script.ts";

/** Rooms, the sockets in each of them, and messages that are on their way at the same time. */
const roomCount = 10;
const roomSize = 100;
const inFlight = 8;
/** The CPU of servers without messages is measured for as long as a round took, within these limits. */
const idleMsMin = 500;
const idleMsMax = 10_000;
const timeoutMs = 60_000;

/** Servers that share their rooms; a row uses some of them, and nobody listens to the others. */
const serverCount = 4;

export interface SharedServers {
  nats: Nats;
  /** Bytes that NATS has received, and has sent. */
  bytes: () => Promise<{ in: number; out: number }>;
  /** The subscriptions of all servers. */
  subscriptions: () => Promise<number>;
  servers: Child[];
  /** The same servers, and further ones, which are started for the first call. */
  more: () => Promise<Child[]>;
}

const Varz = z.object({
  in_bytes: z.number(),
  out_bytes: z.number(),
  subscriptions: z.number(),
});
const Ready = z.object({ status: z.string() });

function openServers(bench: Bench): Promise<SharedServers> {
  return (bench.shared ??= startServers(bench));
}

async function startServers(bench: Bench): Promise<SharedServers> {
  const monitorPort = freePort();
  const nats = createNats(`http: 127.0.0.1:${monitorPort}`);
  bench.cleanup.add(() => nats.stop());
  await nats.start();
  const start = async (length: number) => {
    const started = Array.from({ length }, () =>
      bench.startAnother("product", { NATS_URL: nats.url }),
    );
    const servers = await Promise.all(started);
    await untilReady(servers);
    return servers;
  };
  const read = async () => {
    const response = await fetch(`http://127.0.0.1:${monitorPort}/varz`);
    return Varz.parse(await response.json());
  };
  const servers = await start(serverCount);
  let further: Promise<Child[]> | undefined;
  return {
    nats,
    servers,
    async bytes() {
      const { in_bytes, out_bytes } = await read();
      return { in: in_bytes, out: out_bytes };
    },
    subscriptions: async () => (await read()).subscriptions,
    async more() {
      further ??= start(bench.scale.hotServers - serverCount);
      return [...servers, ...(await further)];
    },
  };
}

async function untilReady(servers: readonly Child[]): Promise<void> {
  for (const { url } of servers) {
    const isReady = async () => {
      const response = await fetch(`${url}/ready`);
      return Ready.parse(await response.json()).status === "ready";
    };
    while (!(await isReady())) await Bun.sleep(5);
  }
}

/** A room whose sockets are spread over servers. Everybody must get every message once, in order. */
class SpreadRoom {
  readonly #chatId: number;
  readonly #clients: Client[] = [];
  #sent = 0;
  #delivered = 0;
  #fault: Error | undefined;
  /** Milliseconds from a message's sending to each delivery. */
  readonly latencies: number[] = [];
  readonly #sentAt: number[] = [];
  #wish: (() => void) | undefined;

  private constructor(chatId: number) {
    this.#chatId = chatId;
  }

  static async open(bench: Bench, servers: readonly Child[], size: number): Promise<SpreadRoom> {
    const room = new SpreadRoom(await makeChat(bench, size));
    await inParallel(size, 16, async (index) => {
      const server = servers[index % servers.length];
      const client = await openProduct(bench, 1 + index, server);
      let last = 0;
      client.onText = (text) => {
        if (!text.startsWith('{"type":"message"')) return;
        const number = Number.parseInt(/"content":"message (\d+)/.exec(text)?.[1] ?? "", 10);
        if (number !== last + 1) room.#fault ??= new Error(`message ${number} came after ${last}`);
        last = number;
        room.latencies.push(performance.now() - (room.#sentAt[number] ?? 0));
        room.#delivered += 1;
        if (room.#delivered === room.#sent * size) room.#wish?.();
      };
      await client.ask({ type: "join", chat_id: room.#chatId });
      room.#clients[index] = client;
    });
    return room;
  }

  /** Settles with the acknowledgement. */
  async send(): Promise<void> {
    this.#sent += 1;
    this.#sentAt[this.#sent] = performance.now();
    const content = `message ${this.#sent} with some words in it`;
    await this.#clients[0]?.ask({ type: "message", chat_id: this.#chatId, content });
  }

  /** Settles when everybody has everything. @throws Error unless everybody has got it once, in order */
  async settle(): Promise<void> {
    const expected = this.#sent * this.#clients.length;
    if (this.#delivered < expected) {
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#wish = resolve;
      await within(timeoutMs, promise);
    }
    if (this.#fault) throw this.#fault;
    check("deliveries on several servers", this.#delivered, expected);
  }

  async close(): Promise<void> {
    await closeAll(this.#clients);
  }
}

async function makeChat({ sql }: Bench, size: number): Promise<number> {
  const [chat] = await sql`
    with made as (
      insert into chats (name, owner_id, is_group, participant_count) values ('shared', 1, true, ${size}::int)
      returning id
    ),
    people as (
      insert into chat_participants (chat_id, user_id)
      select made.id, n from made, generate_series(1, ${size}::int) n
    )
    select id::int from made
  `;
  return Number(chat?.id);
}

const totalCpu = async (servers: readonly Child[]) => {
  let micros = 0;
  for (const server of servers) micros += await server.cpuMicros();
  return micros;
};

/** CPU of all servers together for one delivery, in microseconds, in rooms whose sockets are spread over them. */
export async function cpuOfDelivery(bench: Bench, count: number): Promise<number> {
  const { servers } = await openServers(bench);
  return await cpuOfDeliveries(bench, servers.slice(0, count), roomCount);
}

/** The same in one room on many servers, or on one of them. */
export async function cpuOfHotRoom(bench: Bench, count: number): Promise<number> {
  const { more } = await openServers(bench);
  return await cpuOfDeliveries(bench, (await more()).slice(0, count), 1);
}

async function cpuOfDeliveries(
  bench: Bench,
  servers: readonly Child[],
  roomCount: number,
): Promise<number> {
  const size = Math.min(roomSize, bench.scale.reactors);
  const rooms: SpreadRoom[] = [];
  for (let n = 0; n < roomCount; n += 1) rooms.push(await SpreadRoom.open(bench, servers, size));
  const perRoom = Math.max(2, Math.ceil((4 * bench.scale.deliveries) / (size * roomCount)));
  const round = async () => {
    await inParallel(roomCount, inFlight, async (index) => {
      for (let sent = 0; sent < perRoom; sent += 1) await rooms[index]?.send();
    });
    for (const room of rooms) await room.settle();
  };
  await round();
  const before = await totalCpu(servers);
  const startedAt = performance.now();
  await round();
  const ms = performance.now() - startedAt;
  const after = await totalCpu(servers);
  // On a busy machine a round takes long, in which each server also does what it does without any message. Its tasks recur each second
  // or so: a shorter look at them than the round was would be wrong by more than the messages take.
  const idleMs = Math.min(idleMsMax, Math.max(idleMsMin, ms));
  await Bun.sleep(idleMs);
  const idleMicrosPerMs = ((await totalCpu(servers)) - after) / idleMs;
  const spent = after - before - idleMicrosPerMs * ms;
  for (const room of rooms) await room.close();
  return spent / (perRoom * roomCount * size);
}

/** 99th percentile of the milliseconds from the sending of a message to its delivery, on the sender's server or another one. */
export async function latency(bench: Bench, where: "same" | "other"): Promise<number> {
  const { slowRate, seconds } = bench.scale;
  const { servers } = await openServers(bench);
  const [first, second] = servers;
  // The second socket is the one that is measured; the first one sends.
  const spread = where === "same" ? [first, first] : [first, second];
  const rooms: SpreadRoom[] = [];
  for (let n = 0; n < roomCount; n += 1) {
    rooms.push(
      await SpreadRoom.open(
        bench,
        spread.filter((one) => one !== undefined),
        2,
      ),
    );
  }
  const total = slowRate * seconds;
  const startedAt = performance.now();
  await Promise.all(
    Array.from({ length: total }, async (_, index) => {
      await Bun.sleep(Math.max(0, startedAt + (index * 1_000) / slowRate - performance.now()));
      await rooms[index % roomCount]?.send();
    }),
  );
  for (const room of rooms) await room.settle();
  const latencies = rooms.flatMap((room) => room.latencies);
  for (const room of rooms) await room.close();
  return quantile(latencies, 0.99);
}

/** Bytes that go to NATS, or from it, for one message in a room with sockets on two of the servers. */
export async function bytesOfMessage(bench: Bench, direction: "in" | "out"): Promise<number> {
  const { servers, bytes } = await openServers(bench);
  const room = await SpreadRoom.open(bench, servers.slice(0, 2), 4);
  await room.send();
  await room.settle();
  const before = await bytes();
  const messages = Math.max(20, Math.ceil(bench.scale.deliveries / 20));
  for (let sent = 0; sent < messages; sent += 1) await room.send();
  await room.settle();
  const spent = (await bytes())[direction] - before[direction];
  await room.close();
  return spent / messages;
}

/** The effect on a room of a bus that is away for a while. */
export interface Away {
  /** The longest time from the sending of a message to its delivery while the bus was away, in milliseconds. */
  latestMs: number;
  /** From the moment at which NATS took connections again until all servers said that they are ready, in milliseconds. */
  recoveredMs: number;
}

export async function away(bench: Bench): Promise<Away> {
  const { nats, servers } = await openServers(bench);
  const room = await SpreadRoom.open(bench, servers, 12);
  await room.send();
  await room.settle();
  await nats.kill();
  const goneUntil = performance.now() + bench.scale.busAwayMs;
  do {
    await room.send();
    await Bun.sleep(50);
  } while (performance.now() < goneUntil);
  await room.settle();
  const latestMs = Math.max(...room.latencies);
  await nats.start();
  const backAt = performance.now();
  await untilReady(servers);
  const recoveredMs = performance.now() - backAt;
  await room.send();
  await room.settle();
  await room.close();
  return { latestMs, recoveredMs };
}

const Chunk = z.object({
  type: z.literal("bot_stream"),
  message_id: z.int(),
  chunk: z.string(),
  is_complete: z.boolean(),
});

/** The longest time from the stop of an answer, on another server than its own, to its last frame there, in milliseconds. */
export async function stopping(bench: Bench): Promise<number> {
  const { servers } = await openServers(bench);
  const [asking, watching] = await Promise.all(
    servers.slice(0, 2).map((server) => openProduct(bench, askerOf(0), server)),
  );
  if (!asking || !watching) throw new Error("there are no two servers");
  const times: number[] = [];
  for (let stopped = 0; stopped < bench.scale.stops; stopped += 1) {
    const turn = bench.turns[0] ?? 0;
    bench.turns[0] = turn + 1;
    const chatId = roomOfAsker(bench.scale, 0, turn);
    for (const client of [asking, watching]) await client.ask({ type: "join", chat_id: chatId });
    const begun = Promise.withResolvers<number>();
    const ended = Promise.withResolvers<void>();
    watching.onText = (text) => {
      if (!text.startsWith('{"type":"bot_stream"')) return;
      const frame = Chunk.parse(JSON.parse(text));
      if (frame.chunk !== "") begun.resolve(frame.message_id);
      if (frame.is_complete) ended.resolve();
    };
    const content = `/bot ${questionOf({ pieces: 1_000, pieceLength: 20, everyMs: 20 })}`;
    await asking.ask({ type: "message", chat_id: chatId, content });
    const messageId = await begun.promise;
    const startedAt = performance.now();
    watching.send({ type: "stop", chat_id: chatId, message_id: messageId });
    await ended.promise;
    times.push(performance.now() - startedAt);
    for (const client of [asking, watching]) await client.ask({ type: "leave", chat_id: chatId });
  }
  await closeAll([asking, watching]);
  return Math.max(...times);
}

/** Subscriptions at NATS for each of many rooms that are spread over the servers. */
export async function subscriptionsOfRoom(bench: Bench): Promise<number> {
  const { servers, subscriptions } = await openServers(bench);
  const before = await subscriptions();
  const clients: Client[] = [];
  const people = 40;
  const { spreadRooms: rooms } = bench.scale;
  await inParallel(people, 4, async (index) => {
    const client = await openProduct(bench, 1 + index, servers[index % servers.length]);
    clients.push(client);
    for (let room = index; room < rooms; room += people) {
      const [chat] = await bench.sql`
        with made as (
          insert into chats (name, owner_id, is_group, participant_count) values ('spread', ${1 + index}, true, 1)
          returning id
        ),
        person as (insert into chat_participants (chat_id, user_id) select id, ${1 + index} from made)
        select id::int from made
      `;
      await client.ask({ type: "join", chat_id: Number(chat?.id) });
    }
  });
  const made = (await subscriptions()) - before;
  await closeAll(clients);
  return made / rooms;
}

/** Milliseconds until NATS has taken the subscriptions of a server with many rooms. */
export async function subscribing(bench: Bench): Promise<number> {
  const nats = createNats();
  bench.cleanup.add(() => nats.stop());
  await nats.start();
  const metrics = { busWentAway() {}, busSent() {}, busReceived() {} };
  const settings = {
    ...{ servers: [new URL(nats.url).host], tls: undefined, credentials: undefined },
    prefix: "bench",
  };
  const bus = new NatsBus(settings, { log: pino({ level: "silent" }), metrics });
  const up = Promise.withResolvers<void>();
  bus.start({ onMessage() {}, onState: () => up.resolve() });
  await up.promise;
  const startedAt = performance.now();
  for (let room = 0; room < bench.scale.busRooms; room += 1) bus.subscribe(`bench.chat.${room}`);
  check("subscriptions that NATS has taken", await bus.flush(timeoutMs), true);
  const ms = performance.now() - startedAt;
  await bus.stop();
  await nats.stop();
  return ms;
}
