import { afterAll, describe, expect } from "bun:test";
import postgres from "postgres";
import { answer, answerAndHang, finish, say } from "../../world/gemini/script.ts";
import { startGeminiEmulator } from "../../world/gemini/server.ts";
import { untilBlocked } from "../../world/blocked.ts";
import { borrowDatabase } from "../../world/cluster.ts";
import { bothTest, everyNth, longTest } from "../../world/long.ts";
import { call, processes, signUp } from "../../world/process.ts";
import { TestSocket } from "../../world/socket.ts";

const { start, dataDir, end } = processes();
afterAll(end);

/** A server with a room of two people. */
async function roomOnServer() {
  const databaseUrl = await borrowDatabase();
  const server = await start({ DATABASE_URL: databaseUrl, DATA_DIR: dataDir() });
  const [anna, ben] = await Promise.all([signUp(server, "anna"), signUp(server, "ben")]);
  const { body: chat } = await anna.api(server, "POST", "/api/chats", {
    is_group: true,
    participant_usernames: ["ben"],
  });
  const path = `/api/chats/${chat.id}/messages`;
  return {
    server,
    anna,
    ben,
    path,
    chatId: Number(chat.id),
    sql: postgres(databaseUrl, { max: 2 }),
  };
}

describe("told to stop", () => {
  bothTest.each(everyNth(2, ["SIGTERM", "SIGINT"] as const))(
    "by %s under load, it stores what it acknowledges, says 1012 to everyone and exits with 0",
    async (signal) => {
      const { server, anna, ben, path, chatId, sql } = await roomOnServer();
      const reader = await ben.joined(server, chatId);
      const sockets = await Promise.all(
        Array.from({ length: 6 }, () => anna.joined(server, chatId)),
      );
      const acked: number[] = [];
      const underLoad = Promise.withResolvers<void>();
      const count = (id: unknown) => {
        acked.push(Number(id));
        if (acked.length === 200) underLoad.resolve();
      };
      // Each sender goes on until the server is gone.
      const bySocket = sockets.map(async (socket, sender) => {
        for (let n = 0; socket.ws.readyState === WebSocket.OPEN; n += 1) {
          const content = `socket ${sender} ${n}`;
          const reply = await Promise.race([
            socket.ask({ type: "message", chat_id: chatId, content }),
            socket.closed.then(() => ({ type: "closed" })),
          ]);
          if ("message_id" in reply) count(reply.message_id);
          else if ("code" in reply) expect(reply.code).toBe("unavailable");
        }
      });
      const byHttp = Array.from({ length: 4 }, async (_, sender) => {
        for (let n = 0; ; n += 1) {
          const sent = await ben
            .api(server, "POST", path, { content: `http ${sender} ${n}` })
            .catch(() => undefined);
          if (!sent) break;
          expect(sent.status).toBe(200);
          count(sent.body.id);
        }
      });
      await underLoad.promise;
      expect(await server.stop(signal)).toBe(0);
      await Promise.all([...bySocket, ...byHttp]);
      for (const socket of [reader, ...sockets]) {
        const { code, reason } = await socket.closed;
        expect([code, reason]).toEqual([1012, expect.stringMatching(/^restart/)]);
      }
      const rows = await sql`select id, seq from messages order by seq`;
      expect(acked.sort((a, b) => a - b)).toEqual(
        rows.map((row) => Number(row.id)).sort((a, b) => a - b),
      );
      expect(rows.map((row) => Number(row.seq))).toEqual(rows.map((_, index) => index + 1));
      const shown = reader.ofType("message").map((frame) => frame.seq);
      expect(shown).toEqual(shown.map((_, index) => index + 1));
      await sql.end();
    },
  );

  longTest("it waits for a send that is on its way, while it takes nothing new", async () => {
    const { server, anna, ben, chatId, sql } = await roomOnServer();
    const [annas, bens] = [await anna.joined(server, chatId), await ben.joined(server, chatId)];
    const held = await sql.reserve();
    await held`begin`;
    await held`select id from chats where id = ${chatId} for update`;
    const sending = annas.ask({ type: "message", chat_id: chatId, content: "just in time" });
    await untilBlocked(sql);
    server.signal("SIGTERM");
    await server.says(/stopping/);

    // At once: the send waits for no longer than the lock time-out.
    const refused = new TestSocket(`${server.url.replace("http", "ws")}/ws?token=${anna.token}`);
    const [ready, health, late, end] = await Promise.all([
      call(server, "GET", "/ready"),
      call(server, "GET", "/health"),
      bens.ask({ type: "message", chat_id: chatId, content: "too late" }),
      refused.closed,
    ]);
    expect([ready.status, ready.body.status]).toEqual([503, "not_ready"]);
    expect(health.status).toBe(200);
    expect(end.code).not.toBe(1000);
    expect(refused.frames).toEqual([]);
    expect(late).toMatchObject({ type: "error", code: "unavailable" });
    expect(late.retry_after).toBeGreaterThan(0);

    await held`commit`;
    held.release();
    expect(await sending).toMatchObject({ type: "ack", seq: 1 });
    expect(await server.exited).toBe(0);
    expect((await annas.closed).code).toBe(1012);
    expect((await bens.closed).code).toBe(1012);
    expect(bens.ofType("message")).toMatchObject([{ content: "just in time", seq: 1 }]);
    expect(await sql`select content from messages`).toMatchObject([{ content: "just in time" }]);
    await sql.end();
  });

  longTest("twice, it stops once", async () => {
    const { server, sql } = await roomOnServer();
    server.signal("SIGTERM");
    server.signal("SIGINT");
    expect(await server.exited).toBe(0);
    expect(server.output.match(/stopping/g)).toHaveLength(1);
    await sql.end();
  });

  longTest(
    "in the middle of an answer, it leaves that to the next server, which goes on where it stopped",
    async () => {
      const gemini = startGeminiEmulator();
      gemini.respondWith(
        answerAndHang(say("First this, ")),
        answer(say("and then that."), finish()),
      );
      const env = {
        DATABASE_URL: await borrowDatabase(),
        DATA_DIR: dataDir(),
        GEMINI_BASE_URL: gemini.url,
      };
      const server = await start(env);
      const anna = await signUp(server, "anna");
      const { body: chat } = await anna.api(server, "POST", "/api/chats", { is_group: true });
      const path = `/api/chats/${chat.id}/messages`;
      const before = await anna.joined(server, chat.id);
      await anna.api(server, "POST", path, { content: "/bot in what order?" });
      const { message_id } = await before.next("bot_stream", { chunk: "First this, " });
      expect(await server.stop()).toBe(0);
      expect((await before.closed).code).toBe(1012);
      expect(before.frames.filter((frame) => frame.is_complete)).toEqual([]);

      const next = await start(env);
      const after = await anna.joined(next, chat.id, 2);
      const ended = { status: "complete", content: "First this, and then that.", updated_seq: 3 };
      while ((await anna.api(next, "GET", path)).body[1].status === "streaming");
      await after.settle();
      // Joined before its end or after it, it has been told once.
      const told = [...after.ofType("message"), ...after.ofType("bot_stream")].filter(
        (frame) => frame.message_id === message_id && frame.updated_seq === 3,
      );
      expect(told).toHaveLength(1);
      expect(told[0]?.full_response ?? told[0]?.content).toBe(ended.content);
      expect((await anna.api(next, "GET", path)).body[1]).toMatchObject(ended);
      expect(await next.stop()).toBe(0);
      await gemini.stop();
    },
  );
});
