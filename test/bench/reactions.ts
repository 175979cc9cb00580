// Many people who react to one message at the same moment, against as many messages of theirs.
import { z } from "zod";
import { check, openProduct, type Bench } from "./bench.ts";
import { closeAll, inParallel, type Client } from "./client.ts";
import { crowdChat, personOf } from "./data.ts";

const emojis = ["👍", "❤️", "🎉", "😀"];
const deliveryTimeoutMs = 10_000;
const Acknowledged = z.object({ message_id: z.int() });

/**
 * The server's CPU in microseconds for each of many reactions or messages that the people of one room send at once.
 * @throws Error unless a reader is told of each once, and the message counts all reactions
 */
export async function cpuInCrowd(bench: Bench, what: "reaction" | "message"): Promise<number> {
  const { reactors } = bench.scale;
  const clients: Client[] = [];
  await inParallel(reactors, 16, async (index) => {
    clients[index] = await openProduct(bench, personOf(index));
  });
  const reader = await openProduct(bench, 1);
  const question = { type: "message", chat_id: crowdChat, content: "Shall we?" };
  const { message_id } = Acknowledged.parse(JSON.parse(await reader.ask(question)));
  await reader.ask({ type: "join", chat_id: crowdChat });
  let told = 0;
  reader.onText = (text) => {
    if (text.startsWith(`{"type":"${what}"`)) told += 1;
  };
  const frameOf = (index: number) =>
    what === "message"
      ? { type: what, chat_id: crowdChat, content: `message ${index} with some words in it` }
      : { type: "react", chat_id: crowdChat, message_id, emoji: emojis[index % 4], on: true };
  const before = await bench.product.cpuMicros();
  await Promise.all(clients.map((client, index) => client.ask(frameOf(index))));
  const deadline = performance.now() + deliveryTimeoutMs;
  while (told < reactors && performance.now() < deadline) await Bun.sleep(5);
  const spent = (await bench.product.cpuMicros()) - before;
  check(`times that a reader was told of a ${what}`, told, reactors);
  if (what === "reaction") await checkCounted(bench, message_id);
  await closeAll([reader, ...clients]);
  return spent / reactors;
}

async function checkCounted({ sql, scale }: Bench, messageId: number): Promise<void> {
  const [row] = await sql`
    select sum((item ->> 'count')::int)::int as count
    from messages cross join jsonb_array_elements(reactions) item
    where id = ${messageId}
  `;
  check("reactions that the message counts", Number(row?.count), scale.reactors);
}
