// Sockets that connect, and stay.
import { check, openProduct, socketUrl, type Bench, type Side } from "./bench.ts";
import { Client, closeAll, inParallel } from "./client.ts";
import { chatOf, longChat, personOf, tokenOf } from "./data.ts";

/** Messages that each returning client has missed. */
const missed = 10;

/** Joins a chat from `missed` messages before its end. @throws Error unless exactly those are replayed, in their order */
export async function catchUp(client: Client, chatId: number, lastSeq: number): Promise<void> {
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

/** Access tokens of the first people who are in 20 chats. */
export function tokensOf(bench: Bench, count: number): Promise<string[]> {
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
