// A minimal server on Bun that does the same work: a socket subscribes to the topic in its URL and publishes every message
// it receives; a handler runs the history's SQL; and messages are inserted in batches before they are published.
import postgres from "postgres";
import { serveUsage } from "./child.ts";
import { insertBatch } from "./insert.ts";

const url = process.env.BENCH_DATABASE_URL;
const sql = url ? postgres(url, { max: 10 }) : undefined;

interface Waiting {
  chatId: number;
  text: string;
}
let waiting: Waiting[] = [];
let writing = false;

async function write() {
  if (!sql || writing) return;
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
  port: 0,
  async fetch(request, server) {
    const { pathname, searchParams } = new URL(request.url);
    if (pathname === "/history" && sql) {
      const rows = await sql`
        select id, chat_id, seq, updated_seq, user_id, content, is_bot, status, answer_to, client_id, created_at
        from messages where chat_id = ${Number(searchParams.get("chat"))} and seq < ${Number(searchParams.get("before"))}
        order by seq desc limit 50
      `;
      return Response.json(rows.reverse());
    }
    server.upgrade(request, { data: { topic: searchParams.get("topic") ?? "" } });
    return undefined;
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
serveUsage({ url: `http://127.0.0.1:${server.port}` });
