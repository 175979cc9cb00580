// Messages: how many a second, their CPU, and how long each takes.
import { pino } from "pino";
import { parseDatabaseUrl } from "../../src/config/database-address.ts";
import { connect } from "../../src/database/connect.ts";
import { insertMessages, type NewMessage } from "../../src/log/insert.ts";
import { check, openProduct, socketUrl, type Bench, type Side } from "./bench.ts";
import { Client, closeAll, quantile } from "./client.ts";
import { hotRoom, roomOf, senders } from "./data.ts";
import { insertBatch } from "./insert.ts";

/** The rooms that the senders write to: `spread`, each to its own rooms; `hot`, all to one. */
export type Rooms = "spread" | "hot";

const roomFor = (rooms: Rooms, userId: number, place: number) =>
  rooms === "hot" ? hotRoom : roomOf(userId, place);

/** Acknowledged messages a second of 64 senders, each with one in flight, and the server's CPU for each. */
export async function throughput(
  bench: Bench,
  rooms: Rooms,
): Promise<{ perSecond: number; cpuMicros: number }> {
  const { sql, product } = bench;
  const { messages } = bench.scale;
  const [newest] = await sql`select max(id)::text as id from messages`;
  const clients: Client[] = [];
  for (let user = 1; user <= senders; user += 1) clients.push(await openProduct(bench, user));
  const before = await product.cpuMicros();
  const started = performance.now();
  await Promise.all(
    clients.map(async (client, place) => {
      for (let turn = 0; turn < messages / senders; turn += 1) {
        await client.ask({
          type: "message",
          chat_id: roomFor(rooms, 1 + place, turn),
          content: `message ${turn} with some words in it`,
          client_id: `${started}-${turn}`,
        });
      }
    }),
  );
  const seconds = (performance.now() - started) / 1000;
  const cpuMicros = ((await product.cpuMicros()) - before) / messages;
  await checkStored(bench, String(newest?.id), messages);
  await closeAll(clients);
  return { perSecond: messages / seconds, cpuMicros };
}

/** @throws Error unless so many messages were stored after the newest, none twice, and each sender's in their order */
async function checkStored({ sql }: Bench, newestId: string, expected: number): Promise<void> {
  const [row] = await sql`
    select
      count(*)::int as stored,
      count(distinct (user_id, turn))::int as different,
      count(*) filter (where turn < previous)::int as disordered
    from (
      select user_id, turn, lag(turn) over (partition by chat_id, user_id order by seq) as previous
      from (
        select id, chat_id, user_id, seq, split_part(content, ' ', 2)::int as turn
        from messages where id > ${newestId}::bigint
      ) sent
    ) compared
  `;
  check("messages stored", Number(row?.stored), expected);
  check("different messages stored", Number(row?.different), expected);
  check("messages out of order", Number(row?.disordered), 0);
}

/** The CPU time in microseconds that a minimal server needs to insert and publish the same messages. */
export async function referenceCpu(bench: Bench): Promise<number> {
  const { reference } = bench;
  const { messages } = bench.scale;
  const clients: Client[] = [];
  for (let user = 1; user <= senders; user += 1) {
    const room = roomOf(user, 0);
    clients.push(await Client.open(socketUrl(reference, `topic=store:${room},${room}`)));
  }
  const before = await reference.cpuMicros();
  await Promise.all(
    clients.map(async (client) => {
      for (let sent = 0; sent < messages / senders; sent += 1) {
        const { promise, resolve } = Promise.withResolvers<string>();
        client.onText = resolve;
        client.send({ type: "message", content: `message ${sent} with some words in it` });
        await promise;
      }
    }),
  );
  const spent = (await reference.cpuMicros()) - before;
  await closeAll(clients);
  return spent / messages;
}

/** Rows a second straight into PostgreSQL in batches of 64, one in flight: bare, or by the product's own statement. */
export async function rawInserts(
  bench: Bench,
  statement: "bare" | "product",
  rooms: Rooms,
): Promise<number> {
  const messages = bench.scale.messages * 2;
  const sql = connect(parseDatabaseUrl(bench.databaseUrl), pino({ level: "silent" }), { max: 1 });
  const started = performance.now();
  for (let index = 0; index < messages; index += senders) {
    const rows = Array.from({ length: senders }, (_, place): NewMessage => ({
      chatId: roomFor(rooms, 1 + place, index / senders),
      userId: 1 + place,
      username: `user${1 + place}`,
      content: `message ${index + place} with some words in it`,
      clientId: `${started}-${index + place}`,
      runId: undefined,
    }));
    if (statement === "bare") await insertBatch(sql, rows);
    else await insertMessages(sql, rows, { leaseSeconds: 6 });
  }
  const seconds = (performance.now() - started) / 1000;
  await sql.end();
  return messages / seconds;
}

/** p99 of send → delivery to the sender itself, in milliseconds, at a steady rate from 64 senders over 1,000 rooms. */
export async function latency(bench: Bench, side: Side, perSecond: number): Promise<number> {
  const clients: Client[] = [];
  const sentAt = new Map<string, number>();
  const delays: number[] = [];
  let twice = 0;
  for (let place = 0; place < senders; place += 1) {
    const chatId = roomOf(1 + place, 0);
    const client =
      side === "product"
        ? await openProduct(bench, 1 + place)
        : await Client.open(socketUrl(bench.reference, `topic=store:${chatId},${chatId}`));
    if (side === "product") await client.ask({ type: "join", chat_id: chatId });
    client.onText = (text) => {
      if (!text.startsWith('{"type":"message"')) return;
      const [key] = /m\d+-\d+/.exec(text) ?? [];
      if (key === undefined) return;
      const at = sentAt.get(key);
      if (at === undefined) twice += 1;
      else delays.push(performance.now() - at);
      sentAt.delete(key);
    };
    clients.push(client);
  }
  const started = performance.now();
  let sent = 0;
  while (performance.now() - started < bench.scale.seconds * 1000) {
    const due = Math.floor(((performance.now() - started) / 1000) * perSecond);
    for (; sent < due; sent += 1) {
      const place = sent % senders;
      const key = `m${place}-${sent}`;
      sentAt.set(key, performance.now());
      clients[place]?.send({ type: "message", chat_id: roomOf(1 + place, 0), content: key });
    }
    await Bun.sleep(1);
  }
  const deadline = performance.now() + 10_000;
  while (sentAt.size > 0 && performance.now() < deadline) await Bun.sleep(5);
  check("messages delivered to their senders", delays.length, sent);
  check("messages delivered twice", twice, 0);
  await closeAll(clients);
  return quantile(delays, 0.99);
}
