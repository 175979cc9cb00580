// A minimal server on Bun that does the same work: a socket subscribes to the topic in its URL and publishes every message
// it receives; handlers run the SQL of the history and of the list of chats and send the rows as JSON; messages are
// inserted in batches before they are published; files are hashed, written to a folder and read from it; and photos are read
// and dropped.
import { mkdirSync } from "node:fs";
import postgres from "postgres";
import { insertBatch } from "./insert.ts";
import { chatList, historyPage, messagesOnly } from "./reference-queries.ts";

const url = process.env.DATABASE_URL;
if (!url) throw new Error("DATABASE_URL is not set");
const sql = postgres(url, { max: 10 });
mkdirSync("files", { recursive: true });

interface Waiting {
  chatId: number;
  text: string;
}
let waiting: Waiting[] = [];
let writing = false;

async function write() {
  if (writing) return;
  writing = true;
  while (waiting.length > 0) {
    const group = waiting.splice(0, 256);
    await insertBatch(
      sql,
      group.map(({ chatId, text }) => ({ chatId, userId: 1, content: text })),
    );
    for (const { chatId, text } of group) server.publish(String(chatId), text);
  }
  writing = false;
}

const server = Bun.serve<{ topic: string }>({
  hostname: "127.0.0.1",
  port: Number(process.env.PORT),
  async fetch(request, server) {
    const { pathname, searchParams } = new URL(request.url);
    const number = (name: string) => Number(searchParams.get(name));
    switch (pathname) {
      case "/history":
        return Response.json(
          await historyPage(sql, number("user"), number("chat"), number("before")),
        );
      case "/messages":
        return Response.json(await messagesOnly(sql, number("chat"), number("before")));
      case "/chats":
        return Response.json(await chatList(sql, number("user")));
      case "/files": {
        const name = crypto.randomUUID();
        const file = Bun.file(`files/${name}`).writer();
        const hasher = new Bun.CryptoHasher("sha256");
        let size = 0;
        for await (const chunk of request.body ?? []) {
          size += chunk.length;
          hasher.update(chunk);
          await file.write(chunk);
        }
        await file.end();
        return Response.json({ size, sha256: hasher.digest("hex"), url: `/file?name=${name}` });
      }
      case "/dropped": {
        let size = 0;
        for await (const chunk of request.body ?? []) size += chunk.length;
        return Response.json({ size });
      }
      case "/message": {
        const { content } = Object(await request.json());
        await insertBatch(sql, [{ chatId: 1, userId: 1, content: String(content) }]);
        return Response.json({ content });
      }
      case "/file":
        return new Response(Bun.file(`files/${searchParams.get("name")}`));
      case "/ws":
        server.upgrade(request, { data: { topic: searchParams.get("topic") ?? "" } });
        return undefined;
      default:
        return new Response("ready");
    }
  },
  websocket: {
    idleTimeout: 0,
    sendPings: false,
    open(ws) {
      for (const topic of ws.data.topic.split(",")) ws.subscribe(topic);
    },
    message(ws, text) {
      if (ws.data.topic.startsWith("store:")) {
        waiting.push({ chatId: Number.parseInt(ws.data.topic.slice(6), 10), text: String(text) });
        void write();
      } else server.publish(ws.data.topic, text);
    },
  },
});
