// Deliveries to rooms: their CPU, how long one publish holds the event loop, and the frames that a crowd's arrival causes.
import { newMessage } from "../world/new-message.ts";
import { within } from "../../src/schedule.ts";
import { messageFrame } from "../../src/wire/message-frames.ts";
import { check, openProduct, socketUrl, type Bench, type Side } from "./bench.ts";
import { Client, closeAll, inParallel, median, parseFrame } from "./client.ts";
import { crowdChat, peopleOf, personOf, senders, separateRooms } from "./data.ts";

/** A frame as the product delivers it, so that the reference carries the same number of bytes. */
function asDelivered(chatId: number, sent: number, content: string) {
  return messageFrame(
    newMessage({
      id: sent,
      chat_id: chatId,
      seq: sent,
      updated_seq: sent,
      user_id: 1,
      username: "user1",
      content,
      created_at: new Date().toISOString(),
    }),
  );
}

const deliveryTimeoutMs = 30_000;

/** A room with open sockets, which belong to some people in turn. */
class FilledRoom {
  readonly #chatId: number;
  readonly #side: Side;
  readonly #clients: Client[];
  #sent = 0;
  #delivered = 0;
  #fault: Error | undefined;
  #everybodyHasIt: (() => void) | undefined;

  private constructor(chatId: number, side: Side, clients: Client[]) {
    this.#chatId = chatId;
    this.#side = side;
    this.#clients = clients;
    for (const client of clients) this.#count(client);
  }

  static async open(
    bench: Bench,
    side: Side,
    { chatId, size, people }: { chatId: number; size: number; people: number[] },
  ): Promise<FilledRoom> {
    const clients: Client[] = [];
    await inParallel(size, 16, async (index) => {
      if (side === "reference") {
        clients.push(await Client.open(socketUrl(bench.reference, `topic=${chatId}`)));
        return;
      }
      const client = await openProduct(bench, people[index % people.length] ?? 0);
      await client.ask({ type: "join", chat_id: chatId });
      clients.push(client);
    });
    return new FilledRoom(chatId, side, clients);
  }

  get size(): number {
    return this.#clients.length;
  }

  /** Every client must get every message once, in the order in which they were sent. */
  #count(client: Client) {
    let last = this.#sent;
    client.onText = (text) => {
      if (!text.startsWith('{"type":"message"')) return;
      const at = text.indexOf('"content":"message ');
      const number = Number.parseInt(text.slice(at + 19), 10);
      if (number !== last + 1) this.#fault ??= new Error(`message ${number} came after ${last}`);
      last = number;
      this.#delivered += 1;
      if (this.#delivered === this.#sent * this.size) this.#everybodyHasIt?.();
    };
  }

  /** Settles when everybody has the message. @throws Error unless everybody has got it once, and after the one before */
  async send(): Promise<void> {
    const [sender] = this.#clients;
    this.#sent += 1;
    const content = `message ${this.#sent} with some words in it`;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#everybodyHasIt = resolve;
    if (this.#side === "reference") {
      sender?.send(asDelivered(this.#chatId, this.#sent, content));
    } else await sender?.ask({ type: "message", chat_id: this.#chatId, content });
    await within(deliveryTimeoutMs, promise);
    if (this.#fault) throw this.#fault;
    check(`deliveries in a room of ${this.size}`, this.#delivered, this.#sent * this.size);
  }

  async close(): Promise<void> {
    await closeAll(this.#clients);
  }
}

/** Rooms of about the same size, whose differences tell the cost of a delivery from that of a message. */
const shares = [0.2, 0.6, 1, 1.4, 1.8];
const rounds = 10;

interface MeasuredRoom {
  room: FilledRoom;
  /** The CPU of a message in each round. */
  micros: number[];
}

/**
 * Server CPU of one delivery in rooms of about `size` sockets, in microseconds: the slope of a regression of the CPU of a
 * message on the size of its room. One message is in flight, and each delivery is counted. Every room is measured for the same time,
 * because what a server does from time to time is no part of a delivery, and would cost a large room more, whose messages take longer.
 */
export async function cpuOfDelivery(bench: Bench, side: Side, size: number): Promise<number> {
  const { deliveries, messagesMin } = bench.scale;
  const rooms: MeasuredRoom[] = [];
  for (const [place, chatId] of separateRooms.entries()) {
    const wanted = Math.max(1, Math.round(size * (shares[place] ?? 1)));
    const people = await peopleOf(bench.sql, chatId);
    const room = await FilledRoom.open(bench, side, { chatId, size: wanted, people });
    rooms.push({ room, micros: [] });
  }
  const perRound = Math.ceil(Math.max(messagesMin, deliveries / size) / rounds);
  // The first round warms up, and tells how long the slowest room takes.
  let roundMs = 0;
  for (const { room } of rooms) roundMs = Math.max(roundMs, await sendAll(room, perRound));
  // The rooms alternate, so that a drift of the machine reaches all of them.
  for (let round = 0; round < rounds; round += 1) {
    for (const { room, micros } of rooms) {
      const before = await bench[side].cpuMicros();
      const ms = await sendAll(room, perRound);
      if (ms < roundMs) await Bun.sleep(roundMs - ms);
      micros.push(((await bench[side].cpuMicros()) - before) / perRound);
    }
  }
  for (const { room } of rooms) await room.close();
  return slope(rooms.map(({ room, micros }) => [room.size, median(micros)]));
}

/** Sends messages one after another. @returns milliseconds */
async function sendAll(room: FilledRoom, count: number): Promise<number> {
  const begunAt = performance.now();
  for (let sent = 0; sent < count; sent += 1) await room.send();
  return performance.now() - begunAt;
}

/** The slope of the line with the least squared distances from the points. */
function slope(points: [x: number, y: number][]): number {
  const mean = (axis: 0 | 1) => points.reduce((sum, point) => sum + point[axis], 0) / points.length;
  const [middle, level] = [mean(0), mean(1)];
  const together = points.reduce((sum, [x, y]) => sum + (x - middle) * (y - level), 0);
  return together / points.reduce((sum, [x]) => sum + (x - middle) ** 2, 0);
}

/** The longest time in milliseconds for which one publish to a room of many sockets holds the event loop. */
export async function longestHold(bench: Bench, side: Side): Promise<number> {
  const { crowd, publishes } = bench.scale;
  const people = Array.from({ length: senders }, (_, index) => 1 + index);
  const room = await FilledRoom.open(bench, side, { chatId: crowdChat, size: crowd, people });
  const server = bench[side];
  await room.send();
  await server.longestHoldMs();
  const holds: number[] = [];
  for (let sent = 0; sent < publishes; sent += 1) {
    await room.send();
    holds.push(await server.longestHoldMs());
  }
  await server.unwatch();
  await room.close();
  return median(holds);
}

/** Frames that tell of arrivals, when people join a room of all people within a second. */
export async function framesOfArrivals(bench: Bench): Promise<number> {
  const { joiners, joinMs, quietMs } = bench.scale;
  const clients: Client[] = [];
  let joined = 0;
  let arrivals = 0;
  let lastAt = performance.now();
  await inParallel(joiners, 16, async (index) => {
    const client = await openProduct(bench, personOf(index));
    client.onText = (text) => {
      const { type } = parseFrame(text);
      if (type === "joined") joined += 1;
      if (type !== "user_joined" && type !== "presence_changed") return;
      arrivals += 1;
      lastAt = performance.now();
    };
    clients.push(client);
  });
  const joining = clients.map(async (client, index) => {
    await Bun.sleep((joinMs / joiners) * index);
    await client.ask({ type: "join", chat_id: crowdChat });
  });
  await Promise.all(joining);
  lastAt = performance.now();
  while (performance.now() - lastAt < quietMs) await Bun.sleep(50);
  check("people who have joined", joined, joiners);
  await closeAll(clients);
  return arrivals;
}
