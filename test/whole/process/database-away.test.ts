import { afterAll, expect } from "bun:test";
import { pino } from "pino";
import { findPackage, usableBinaries } from "../../../src/embedded-postgres/binaries.ts";
import {
  openDataDir,
  locateCluster,
  prepareCluster,
} from "../../../src/embedded-postgres/cluster.ts";
import {
  adminDatabase,
  clusterUrl,
  startOnFreePort,
} from "../../../src/embedded-postgres/postmaster.ts";
import { answer, answerAndHang, finish, say } from "../../world/gemini/script.ts";
import { startGeminiEmulator } from "../../world/gemini/server.ts";
import { gateway } from "../../answers/asking.ts";
import { answerEnds } from "../../answers/room.ts";
import { prepareDataFolder } from "../../world/data-folder.ts";
import { postmasterPid } from "../../world/embedded.ts";
import { longTest } from "../../world/long.ts";
import { call, processes, signUp } from "../../world/process.ts";

const { start, dataDir, end } = processes();
const gemini = startGeminiEmulator();
afterAll(async () => {
  await end();
  await gemini.stop();
});

/** PostgreSQL that can be stopped, killed and started again on its port. */
async function ownPostgres() {
  const log = pino({ level: "silent" });
  const dir = openDataDir(prepareDataFolder(dataDir()));
  const location = locateCluster(dir, log);
  const binaries = usableBinaries(findPackage(), location.account, log);
  const cluster = await prepareCluster(location, binaries, log);
  const signal = new AbortController().signal;
  let running = await startOnFreePort(cluster, signal);
  const { port } = running;
  return {
    url: clusterUrl(cluster, port, adminDatabase),
    stop: () => running.stop(),
    async kill() {
      process.kill(postmasterPid(dir), "SIGKILL");
      await running.exited;
    },
    async start() {
      running = await startOnFreePort(cluster, signal, () => port);
    },
  };
}

longTest(
  "while PostgreSQL is away the server says so, stays, and goes on by itself when it is back",
  async () => {
    const database = await ownPostgres();
    const server = await start({
      DATABASE_URL: database.url,
      DATA_DIR: dataDir(),
      GEMINI_BASE_URL: gemini.url,
    });
    const anna = await signUp(server, "anna");
    const { body: chat } = await anna.api(server, "POST", "/api/chats", { is_group: true });
    const path = `/api/chats/${chat.id}/messages`;
    const socket = await anna.joined(server, chat.id);
    const send = (content: string) =>
      socket.ask({ type: "message", chat_id: chat.id, content, client_id: content });

    for (const [round, how] of (["stop", "kill"] as const).entries()) {
      const stored = [`before ${how}`, `/bot across ${how}`, `/bot hanging at ${how}`];
      expect(await send(stored[0] ?? "")).toMatchObject({ type: "ack" });
      const gate = gateway();
      gemini.respondWith(
        answer(say("Begun "), gate.step, say("and ended."), finish()),
        answerAndHang(say("Hanging")),
      );
      expect(await send(stored[1] ?? "")).toMatchObject({ type: "ack" });
      await gate.reached;
      await socket.next("bot_stream", { chunk: "Begun " });
      expect(await send(stored[2] ?? "")).toMatchObject({ type: "ack" });
      const { message_id: hanging } = await socket.next("bot_stream", { chunk: "Hanging" });

      await database[how]();
      const refusals = [
        await anna.api(server, "GET", "/api/chats"),
        await anna.api(server, "POST", path, { content: "away" }),
        await anna.api(server, "POST", path, { content: "/bot away" }),
        await call(server, "POST", "/api/auth/login", {
          username: "anna",
          password: anna.password,
        }),
      ];
      for (const { status, headers, body } of refusals) {
        expect(status).toBe(503);
        expect(headers.get("content-type")).toBe("application/problem+json");
        expect(headers.get("retry-after")).toMatch(/^[1-9]\d*$/);
        expect(body.type).toBe("/problems/unavailable");
        expect(body.detail).toMatch(/^The database .*\.$/);
      }
      const ready = await call(server, "GET", "/ready");
      expect([ready.status, ready.body.status]).toEqual([503, "not_ready"]);
      expect(ready.body.dependencies.database).toBe("down");
      expect((await call(server, "GET", "/health")).status).toBe(200);
      expect(await send(`away at ${how}`)).toMatchObject({ type: "error", code: "unavailable" });
      // An answer that ends now is kept until it can be stored.
      gate.open();
      await socket.next("bot_stream", { chunk: "and ended." });
      await socket.settle();
      expect(socket.frames.filter((frame) => frame.is_complete)).toHaveLength(2 * round);

      await database.start();
      expect(await anna.api(server, "GET", "/api/chats")).toMatchObject({ status: 200 });
      expect((await call(server, "GET", "/ready")).body).toMatchObject({
        status: "ready",
        dependencies: { database: "up" },
      });
      expect(await answerEnds(socket)).toMatchObject({
        text: "Begun and ended.",
        last: { status: "complete" },
      });
      const stopped = await anna.api(server, "POST", `${path}/${String(hanging)}/stop`);
      expect(stopped.body).toMatchObject({ status: "stopped", content: "Hanging" });
      expect(await send(`away at ${how}`)).toMatchObject({ type: "ack" });
      await socket.next("message", { content: `away at ${how}` });

      const { body: messages } = await anna.api(server, "GET", path);
      const contents = messages.map((message: { content: string }) => message.content);
      expect(contents.slice(-6, -1)).toEqual([
        stored[0],
        stored[1],
        "Begun and ended.",
        stored[2],
        "Hanging",
      ]);
    }
    const numbers = socket.frames
      .filter(({ type }) => type === "message" || type === "bot_stream")
      .flatMap((frame) => frame.updated_seq ?? frame.seq ?? []);
    expect(numbers).toEqual(Array.from({ length: 16 }, (_, index) => index + 1));
    expect(await server.stop()).toBe(0);
    await database.stop();
  },
);
