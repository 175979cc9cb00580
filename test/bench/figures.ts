import postgres from "postgres";
import { parseDatabaseUrl } from "../../src/config/database-address.ts";
import { connect } from "../../src/database/connect.ts";
import { insertMessages, type NewMessage } from "../../src/log/insert.ts";
import { newMessage } from "../../src/log/messages.ts";
import { messageFrame } from "../../src/wire/message-frames.ts";
import { pino } from "pino";
import { check, openProduct, socketUrl, type Bench } from "./bench.ts";
import { startChild } from "./child.ts";
import { Client, inParallel, parseFrame, percentile } from "./client.ts";
import { chats, longChat, longChatLength, returning, roomOf, senders, tokenOf } from "./data.ts";
import { insertBatch } from "./insert.ts";

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

/** Server CPU of one message to `size` readers, in microseconds: one message in flight, each delivery counted. */
export async function fanOut(
  bench: Bench,
  side: "product" | "reference",
  size: number,
  messages: number,
): Promise<number> {
  const chatId = 1 + (size % chats);
  const clients: Client[] = [];
  await inParallel(size, 16, async (index) => {
    if (side === "reference") {
      clients.push(await Client.open(socketUrl(bench.reference, `topic=${chatId}`)));
      return;
    }
    const client = await openProduct(bench, 1 + (index % senders));
    await client.ask({ type: "join", chat_id: chatId });
    clients.push(client);
  });
  const [sender] = clients;
  if (!sender) return 0;
  let delivered = 0;
  for (const client of clients) {
    client.onText = (text) => {
      if (text.startsWith('{"type":"message"')) delivered += 1;
    };
  }
  const child = bench[side];
  const before = await child.usage();
  for (let sent = 1; sent <= messages; sent += 1) {
    const content = `message ${sent} with some words in it`;
    if (side === "product") await sender.ask({ type: "message", chat_id: chatId, content });
    else sender.send(asDelivered(chatId, sent, content));
    while (delivered < sent * size) await new Promise((resolve) => setImmediate(resolve));
  }
  const after = await child.usage();
  check(`deliveries in a room of ${size}`, delivered, messages * size);
  await Promise.all(clients.map((client) => client.close()));
  return (after.cpuMicros - before.cpuMicros) / messages;
}

/** The rooms that the senders write to: `spread`, each to its own rooms; `hot`, all to one. */
export type Rooms = "spread" | "hot";

const roomFor = (rooms: Rooms, userId: number, place: number) =>
  rooms === "hot" ? 1 : roomOf(userId, place);

/** Acknowledged messages a second of 64 senders, each with one in flight, and the server's CPU for each. */
export async function throughput(
  bench: Bench,
  rooms: Rooms,
  messages: number,
): Promise<{ perSecond: number; cpuMicros: number }> {
  const { sql, product } = bench;
  const before = await stored(sql);
  const clients: Client[] = [];
  for (let user = 1; user <= senders; user += 1) clients.push(await openProduct(bench, user));
  const { cpuMicros } = await product.usage();
  const started = performance.now();
  await inParallel(messages, senders, async (index) => {
    const place = index % senders;
    await clients[place]?.ask({
      type: "message",
      chat_id: roomFor(rooms, 1 + place, Math.floor(index / senders)),
      content: `message ${index} with some words in it`,
      client_id: `${started}-${index}`,
    });
  });
  const seconds = (performance.now() - started) / 1000;
  const usage = await product.usage();
  check("messages stored", (await stored(sql)) - before, messages);
  await Promise.all(clients.map((client) => client.close()));
  return { perSecond: messages / seconds, cpuMicros: (usage.cpuMicros - cpuMicros) / messages };
}

/** The CPU time in microseconds that a minimal server needs to insert and publish the same messages. */
export async function referenceCpu(bench: Bench, messages: number): Promise<number> {
  const { reference } = bench;
  const clients: Client[] = [];
  for (let user = 1; user <= senders; user += 1) {
    const room = roomOf(user, 0);
    clients.push(await Client.open(socketUrl(reference, `topic=store:${room},${room}`)));
  }
  const { cpuMicros } = await reference.usage();
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
  const usage = await reference.usage();
  await Promise.all(clients.map((client) => client.close()));
  return (usage.cpuMicros - cpuMicros) / messages;
}

async function stored(sql: postgres.Sql): Promise<number> {
  const [row] = await sql`
    select sum(message_count)::int as count from chats where id <= ${chats}
  `;
  return Number(row?.count);
}

/** Rows a second straight into PostgreSQL in batches of 64, one in flight: bare, or by the product's own statement. */
export async function rawInserts(
  bench: Bench,
  statement: "bare" | "product",
  rooms: Rooms,
  messages: number,
): Promise<number> {
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
export async function latency(
  bench: Bench,
  side: "product" | "reference",
  perSecond: number,
  seconds: number,
): Promise<number> {
  const clients: Client[] = [];
  const sentAt = new Map<string, number>();
  const delays: number[] = [];
  for (let place = 0; place < senders; place += 1) {
    const chatId = roomOf(1 + place, 0);
    const client =
      side === "product"
        ? await openProduct(bench, 1 + place)
        : await Client.open(socketUrl(bench.reference, `topic=store:${chatId},${chatId}`));
    if (side === "product") await client.ask({ type: "join", chat_id: chatId });
    client.onText = (text) => {
      const key = /m\d+-\d+/.exec(text)?.[0] ?? "";
      const at = sentAt.get(key);
      if (at === undefined) return;
      sentAt.delete(key);
      delays.push(performance.now() - at);
    };
    clients.push(client);
  }
  const started = performance.now();
  let sent = 0;
  while (performance.now() - started < seconds * 1000) {
    const due = Math.floor(((performance.now() - started) / 1000) * perSecond);
    for (; sent < due; sent += 1) {
      const place = sent % senders;
      const key = `m${place}-${sent}`;
      sentAt.set(key, performance.now());
      clients[place]?.send({ type: "message", chat_id: roomOf(1 + place, 0), content: key });
    }
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  const deadline = performance.now() + 10_000;
  while (sentAt.size > 0 && performance.now() < deadline) {
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  check("messages delivered to their senders", delays.length, sent);
  await Promise.all(clients.map((client) => client.close()));
  return percentile(delays, 0.99);
}

/** Resident bytes of one idle socket; the product's has joined one of its person's 20 chats. A fresh server each time. */
export async function idleSocket(
  bench: Bench,
  side: "product" | "reference",
  sockets: number,
): Promise<number> {
  const child = await startChild(bench.cleanup, `${side}.ts`, {
    BENCH_DATABASE_URL: bench.databaseUrl,
  });
  const warm = await Client.open(socketUrl(child, "topic=warm"));
  const before = await child.usage();
  const clients: Client[] = [];
  await inParallel(sockets, 32, async (index) => {
    const userId = senders + 1 + index;
    const chatId = 1 + ((userId * 7 + 53) % chats);
    if (side === "reference") {
      clients.push(await Client.open(socketUrl(child, `topic=${chatId}`)));
      return;
    }
    const token = await tokenOf(userId, child.secretKey);
    const client = await Client.open(socketUrl(child, `token=${token}&frames=flat`));
    await client.ask({ type: "join", chat_id: chatId });
    clients.push(client);
  });
  await new Promise((resolve) => setTimeout(resolve, 1_000));
  const after = await child.usage();
  await child.stop();
  await Promise.all(clients.map((client) => client.close()));
  await warm.close();
  return (after.rssBytes - before.rssBytes) / sockets;
}

/** Requests a second for pages of 50 anywhere in a million messages, eight at a time. */
export async function history(
  bench: Bench,
  side: "product" | "reference",
  requests: number,
): Promise<number> {
  const token = await tokenOf(1, bench.product.secretKey);
  const started = performance.now();
  await inParallel(requests, 8, async (index) => {
    const before = 1_000 + ((index * 7_919) % (longChatLength - 1_000));
    const url =
      side === "product"
        ? `${bench.product.url}/api/chats/${longChat}/messages?limit=50&before_seq=${before}`
        : `${bench.reference.url}/history?chat=${longChat}&before=${before}`;
    const response = await fetch(url, { headers: { authorization: `Bearer ${token}` } });
    const rows = await response.json();
    check("messages of a page", Array.isArray(rows) ? rows.length : -1, 50);
  });
  return requests / ((performance.now() - started) / 1000);
}

/** Server CPU, in microseconds, of: connect, prove who one is, join with ten messages to catch up, disconnect. */
export async function connecting(
  bench: Bench,
  side: "product" | "reference",
  times: number,
): Promise<number> {
  const child = bench[side];
  const token = await tokenOf(returning, bench.product.secretKey);
  const before = await child.usage();
  await inParallel(times, 4, async () => {
    if (side === "reference") {
      const client = await Client.open(socketUrl(child, "topic=1"));
      await client.close();
      return;
    }
    const client = await Client.open(socketUrl(child, `token=${token}&frames=flat`));
    let replayed = 0;
    client.onText = (text) => {
      if (parseFrame(text).type === "message") replayed += 1;
    };
    await client.ask({ type: "join", chat_id: longChat, after_seq: longChatLength - 10 });
    check("messages replayed", replayed, 10);
    await client.close();
  });
  const after = await child.usage();
  return (after.cpuMicros - before.cpuMicros) / times;
}
