// People who come back to a server after its restart, and the messages of others meanwhile.
import { z } from "zod";
import { openProduct, socketUrl, type Bench, type Side } from "./bench.ts";
import { Client, closeAll, quantile } from "./client.ts";
import { tokensOf } from "./connecting.ts";
import { askerOf, chatOf, chats, personOf, roomOfAsker, senders } from "./data.ts";
import { startProgram } from "./program.ts";

/** What the process of those who return is told. */
export const Returning = z.object({
  /** They come evenly within these milliseconds. */
  ms: z.number(),
  people: z.array(
    z.object({
      url: z.string(),
      /** The chat that the person joins, and its last number. Sockets of the reference only connect. */
      room: z.object({ chatId: z.number(), lastSeq: z.number() }).optional(),
    }),
  ),
});
type Returning = z.infer<typeof Returning>;

export interface Storm {
  /** From the moment at which the server listens again until the last client has everything. */
  caughtUpMs: number;
  /** From the sending of a message to its acknowledgement, for people who are there all the time. */
  othersP99Ms: number;
}

/** Restarts a server, to which all people return within a moment. */
export async function storm(bench: Bench, side: Side): Promise<Storm> {
  const people = await peopleWhoReturn(bench, side);
  await bench[side].restart();
  const returning: Returning = { ms: bench.scale.stormMs, people };
  const program = await startProgram(bench.cleanup, ["returning.ts"], JSON.stringify(returning));
  const others = await Others.open(bench, side);
  others.begin();
  const caughtUpMs = Number(await program.begin());
  const othersP99Ms = await others.end();
  await program.end();
  return { caughtUpMs, othersP99Ms };
}

async function peopleWhoReturn(bench: Bench, side: Side): Promise<Returning["people"]> {
  const { stormClients } = bench.scale;
  const url = (query: string) => socketUrl(bench[side], query);
  if (side === "reference") {
    return Array.from({ length: stormClients }, (_, index) => ({ url: url(`topic=${index}`) }));
  }
  const lastSeqs = await lastSeqsOf(bench);
  const tokens = await tokensOf(bench, stormClients);
  return tokens.map((token, index) => {
    const chatId = chatOf(personOf(index));
    const room = { chatId, lastSeq: lastSeqs.get(chatId) ?? 0 };
    return { url: url(`token=${token}&frames=flat`), room };
  });
}

async function lastSeqsOf({ sql }: Bench): Promise<Map<number, number>> {
  const rows = await sql`select id::int, last_seq::int from chats where id <= ${chats}`;
  return new Map(rows.map(({ id, last_seq }) => [Number(id), Number(last_seq)]));
}

/** The same messages at the same rate without a storm. @returns p99 of their acknowledgements in milliseconds */
export async function othersAlone(bench: Bench, side: Side): Promise<number> {
  const others = await Others.open(bench, side);
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

  static async open(bench: Bench, side: Side): Promise<Others> {
    const clients: Client[] = [];
    const rooms: number[] = [];
    for (let index = 0; index < senders; index += 1) {
      const chatId = roomOfAsker(bench.scale, index, 0);
      const client =
        side === "product"
          ? await openProduct(bench, askerOf(index))
          : await Client.open(socketUrl(bench.reference, `topic=store:${chatId},${chatId}`));
      if (side === "product") await client.ask({ type: "join", chat_id: chatId });
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
