// Read positions that move in a room whose people are all there.
import { ReadFrame } from "../../src/wire/list-frames.ts";
import { check, openProduct, type Bench } from "./bench.ts";
import { Client, closeAll, inParallel } from "./client.ts";

/** People in the room: as many as are sent each other's positions. */
export const size = 100;
const timeoutMs = 30_000;

/**
 * Server CPU of one person who reads a new message, when everybody in the room does so at the same time and is told of all
 * others.
 * @returns microseconds, without the message itself
 */
export async function cpuOfRead(bench: Bench): Promise<number> {
  const { messagesRead } = bench.scale;
  const chatId = await openRoom(bench);
  const clients: Client[] = [];
  const told: Map<number, number>[] = [];
  await inParallel(size, 16, async (index) => {
    const client = await openProduct(bench, 1 + index);
    const positions = new Map<number, number>();
    client.onText = (text) => {
      if (!text.startsWith('{"type":"read"')) return;
      for (const { user_id, last_read_seq } of ReadFrame.parse(JSON.parse(text)).reads) {
        positions.set(user_id, Math.max(last_read_seq, positions.get(user_id) ?? 0));
      }
    };
    await client.ask({ type: "join", chat_id: chatId });
    clients.push(client);
    told.push(positions);
  });
  let micros = 0;
  for (let seq = 1; seq <= messagesRead; seq += 1) {
    await clients[0]?.ask({ type: "message", chat_id: chatId, content: `message ${seq}` });
    const before = await bench.product.cpuMicros();
    await Promise.all(clients.map((client) => client.ask({ type: "read", chat_id: chatId, seq })));
    const deadline = performance.now() + timeoutMs;
    while (shown(told, seq) < size * size && performance.now() < deadline) await Bun.sleep(10);
    check("positions that everybody was told", shown(told, seq), size * size);
    micros += (await bench.product.cpuMicros()) - before;
  }
  await closeAll(clients);
  return micros / (messagesRead * size);
}

function shown(told: Map<number, number>[], seq: number): number {
  let count = 0;
  for (const positions of told) {
    for (const position of positions.values()) if (position === seq) count += 1;
  }
  return count;
}

/** Makes a chat of the first people. */
async function openRoom({ sql }: Bench): Promise<number> {
  const [chat] = await sql`
    with made as (
      insert into chats (name, owner_id, is_group, participant_count) values ('readers', 1, true, ${size}::int)
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
