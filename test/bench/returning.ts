// A process of people who come back to a server within a moment, as after its restart. The last argument is the path of a file with what
// they do. It says when it is ready, begins with the first line that it is sent, prints the milliseconds until the last one has everything,
// and leaves when there are no more lines. It ends with an error if a socket is not opened, or does not get what it has missed.
import { Client, closeAll } from "./client.ts";
import { catchUp } from "./connecting.ts";
import { Returning } from "./storm.ts";

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

const { ms, people } = Returning.parse(await Bun.file(process.argv.at(-1) ?? "").json());
const lines = console[Symbol.asyncIterator]();
console.log("ready");
await lines.next();
const started = performance.now();
const clients = await Promise.all(
  people.map(async ({ url, room }, index) => {
    await Bun.sleep((ms / people.length) * index);
    const client = await openPatiently(url);
    if (room) await catchUp(client, room.chatId, room.lastSeq);
    return client;
  }),
);
console.log(performance.now() - started);
await lines.next();
await closeAll(clients);
process.exit();
