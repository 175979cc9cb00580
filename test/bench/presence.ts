// People who come back at once and watch each other.
import { check, openProduct, type Bench } from "./bench.ts";
import { Client, closeAll } from "./client.ts";
import { personOf } from "./data.ts";
import { PresenceFrame } from "../../src/wire/presence.ts";

/** People whom each of them watches at most. */
const watchedMax = 20;

/**
 * Server CPU of people who connect within a moment, each of whom watches some of the others, until everybody has been told that
 * all of those are online. All are in one chat. A fresh server each time.
 * @returns microseconds a person
 */
export async function comingBack(bench: Bench, people: number): Promise<number> {
  const { stormClients, stormMs } = bench.scale;
  const server = await bench.startAnother("product");
  const before = await server.cpuMicros();
  const clients: Client[] = [];
  const watched = Math.min(watchedMax, people - 1);
  const told = await Promise.all(
    Array.from({ length: people }, async (_, index) => {
      // At the same rate, however many they are.
      await Bun.sleep((stormMs / stormClients) * index);
      const client = await openProduct(bench, personOf(index), server);
      clients.push(client);
      const friends = Array.from({ length: watched }, (_, n) => personOf((index + 1 + n) % people));
      return watch(client, friends);
    }),
  );
  const micros = (await server.cpuMicros()) - before;
  check(
    "people told of all whom they watch",
    told.filter((count) => count === watched).length,
    people,
  );
  await closeAll(clients);
  await server.kill();
  return micros / people;
}

/** Settles when all are online. @returns how many are */
async function watch(client: Client, user_ids: number[]): Promise<number> {
  const online = new Set<number>();
  const { promise, resolve } = Promise.withResolvers<number>();
  client.onText = (text) => {
    if (!text.startsWith('{"type":"presence"')) return;
    for (const { user_id, status } of PresenceFrame.parse(JSON.parse(text)).users) {
      if (status === "online") online.add(user_id);
    }
    if (online.size === user_ids.length) resolve(online.size);
  };
  await client.ask({ type: "watch_presence", user_ids });
  return promise;
}
