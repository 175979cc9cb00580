import { afterAll, describe, expect } from "bun:test";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { pino } from "pino";
import postgres from "postgres";
import { borrowEmbeddedPostgres } from "../../../src/embedded-postgres/embedded-postgres.ts";
import { answer, answerAndHang, finish, say } from "../../world/gemini/script.ts";
import { startGeminiEmulator } from "../../world/gemini/server.ts";
import { answerEnds } from "../../answers/room.ts";
import { borrowDatabase } from "../../world/cluster.ts";
import { prepareDataFolder } from "../../world/data-folder.ts";
import { isAlive, postmasterPid } from "../../world/embedded.ts";
import { longTest, test } from "../../world/long.ts";
import { call, processes, signUp } from "../../world/process.ts";

const { folder, spawn, start, dataDir, end } = processes();
const gemini = startGeminiEmulator();
afterAll(async () => {
  await end();
  await gemini.stop();
});

/** A free port that the system gives to nobody who asks for any: the embedded PostgreSQL of the same server might get it. */
function freePort(): number {
  for (;;) {
    const port = 20_000 + Math.floor(Math.random() * 10_000);
    try {
      Bun.listen({ hostname: "127.0.0.1", port, socket: { data() {} } }).stop(true);
      return port;
    } catch {
      // It is taken.
    }
  }
}

test.concurrent(
  "without any settings it says where everything is, answers as a demonstration, and keeps all for the next start",
  async () => {
    const server = await start({});
    const [, message = ""] = await server.says(/Gemini Coop is up\.\n([^]*?)Ctrl-C stops it/);
    const places = [...message.matchAll(/^ {2}(\w+) +(.*)$/gm)].map(([, name, place]) => [
      name,
      place,
    ]);
    const socketUrl = `${server.url.replace("http", "ws")}/ws`;
    expect(places.slice(0, 4)).toEqual([
      ["room", server.url],
      ["api", `${server.url}/api`],
      ["docs", `${server.url}/docs`],
      ["sockets", socketUrl],
    ]);
    expect(message).toMatch(/database +embedded PostgreSQL 17 in \.data$/m);
    expect(message).toMatch(/bot +offline demonstration: GEMINI_API_KEY is not set/);
    expect(await (await fetch(`${server.url}/docs`)).text()).toContain("swagger-ui");
    const ready = await call(server, "GET", "/ready");
    expect(ready.status).toBe(200);
    expect(ready.body.dependencies).toMatchObject({ database: "up" });
    expect(ready.body.dependencies.model).toContain("offline demonstration");

    const anna = await signUp(server, "anna");
    const { body: chat } = await anna.api(server, "POST", "/api/chats", { is_group: true });
    const messagesPath = `/api/chats/${chat.id}/messages`;
    const socket = await anna.joined(server, chat.id);
    await anna.api(server, "POST", messagesPath, { content: "/bot who are you?" });
    expect((await answerEnds(socket)).text).toContain("offline demonstration");
    const { body: before } = await anna.api(server, "GET", messagesPath);
    expect(before).toHaveLength(2);

    const pid = postmasterPid(join(folder, ".data"));
    expect(isAlive(pid)).toBe(true);
    expect(await server.stop("SIGINT")).toBe(0);
    expect((await socket.closed).code).toBe(1012);
    expect(isAlive(pid)).toBe(false);

    const again = await start({});
    expect((await anna.api(again, "GET", messagesPath)).body).toEqual(before);
    const renewed = await call(again, "POST", "/api/auth/refresh", {
      refresh_token: anna.refreshToken,
    });
    expect(renewed.status).toBe(200);
    expect((await anna.api(again, "POST", messagesPath, { content: "on" })).body.seq).toBe(4);
    expect(await again.stop("SIGTERM")).toBe(0);
  },
);

longTest.concurrent(
  "killed in the middle of an answer, and started at once, it has all messages and goes on with the answer",
  async () => {
    const env = { DATA_DIR: prepareDataFolder(dataDir()), GEMINI_BASE_URL: gemini.url };
    const log = pino({ level: "silent" });
    const server = await start(env);
    const anna = await signUp(server, "anna");
    const { body: chat } = await anna.api(server, "POST", "/api/chats", { is_group: true });
    const messagesPath = `/api/chats/${chat.id}/messages`;
    const socket = await anna.joined(server, chat.id);
    const acked = await Promise.all(
      Array.from({ length: 20 }, (_, index) =>
        socket.ask({ type: "message", chat_id: chat.id, content: `message ${index}` }),
      ),
    );
    const database = await borrowEmbeddedPostgres({ dataDir: env.DATA_DIR, log });
    const sql = postgres(database.url, { max: 1, onnotice: () => undefined });
    await sql.unsafe(`
      create function note_write() returns trigger language plpgsql as $$ begin
        perform pg_notify('writes', new.content);
        return null;
      end $$;
      create trigger note_write after update on messages for each row execute function note_write();
    `);
    const stored = Promise.withResolvers<string>();
    await sql.listen("writes", (content) => stored.resolve(content));
    gemini.respondWith(answerAndHang(say("Half an answer")));
    await anna.api(server, "POST", messagesPath, { content: "/bot well?" });
    expect(await stored.promise).toBe("Half an answer");
    await sql.end({ timeout: 1 });
    await database.stop();

    server.signal("SIGKILL");
    const again = await start(env);
    expect((await socket.closed).code).toBe(1006);
    const late = await anna.joined(again, chat.id, 0);
    expect(
      late
        .ofType("message")
        .slice(0, 20)
        .map((frame) => frame.message_id),
    ).toEqual(acked.map((ack) => ack.message_id));
    gemini.respondWith(answer(say(" goes on to be whole."), finish()));
    // Servers leave each other's answers alone for some seconds, which need not be waited for.
    const own = await borrowEmbeddedPostgres({ dataDir: env.DATA_DIR, log });
    const later = postgres(own.url, { max: 1, onnotice: () => undefined });
    await later`update answer_runs set lease_expires_at = now()`;
    await later.end({ timeout: 1 });
    const last = await late.next("bot_stream", { is_complete: true });
    expect(last).toMatchObject({
      status: "complete",
      full_response: "Half an answer goes on to be whole.",
    });

    gemini.respondWith(answer(say("Whole."), finish()));
    await anna.api(again, "POST", messagesPath, { content: "/bot again?" });
    expect((await answerEnds(late)).text).toBe("Whole.");
    expect(await again.stop()).toBe(0);
    expect(server.output).not.toContain("Whole.");
  },
);

describe("two servers on one machine", () => {
  longTest.concurrent(
    "run side by side, each with its port, its data folder and its people",
    async () => {
      const ports = [freePort(), freePort()];
      const [one, two] = await Promise.all([
        start({ DATA_DIR: prepareDataFolder(dataDir()), PORT: String(ports[0]) }),
        start({ DATA_DIR: prepareDataFolder(dataDir()), PORT: String(ports[1]) }),
      ]);
      expect([one.url, two.url]).toEqual(ports.map((port) => `http://127.0.0.1:${port}`));
      const anna = await signUp(one, "anna");
      expect((await anna.api(two, "GET", "/api/auth/me")).status).toBe(401);
      const other = await signUp(two, "anna");
      expect((await other.api(two, "GET", "/api/auth/me")).status).toBe(200);
      expect(await one.stop()).toBe(0);
      expect((await other.api(two, "GET", "/api/chats")).body).toEqual([]);
      expect(await two.stop()).toBe(0);
    },
  );

  longTest.concurrent(
    "do not share a port: the second says why, and takes its database down with it",
    async () => {
      const first = await start({ DATABASE_URL: await borrowDatabase() });
      const dir = prepareDataFolder(dataDir());
      const second = spawn({ DATA_DIR: dir, PORT: new URL(first.url).port });
      expect(await second.exited).toBe(1);
      expect(second.output).toContain("embedded PostgreSQL is ready");
      expect(second.output).toMatch(new RegExp(`port ${new URL(first.url).port}\\b`));
      // PostgreSQL takes its pid file away as the last thing that it does.
      expect(existsSync(join(dir, "postgres/PG_VERSION"))).toBe(true);
      expect(existsSync(join(dir, "postgres/postmaster.pid"))).toBe(false);
      expect((await call(first, "GET", "/ready")).status).toBe(200);
      expect(await first.stop()).toBe(0);
    },
  );
});
