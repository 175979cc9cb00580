// A frame that runs for too long: its socket is closed, so that the client need not wait for a reply without an end.
import { expect } from "bun:test";
import { insertMessages } from "../../src/log/insert.ts";
import { longTest, test } from "../world/long.ts";
import { useWorld } from "../world/world.ts";
import { RawSocket } from "./raw.ts";

const never = 3_600_000;
const world = useWorld({ durations: { sessionCheckMs: never, frameTimeoutMs: 0 } });

test("a socket whose frame runs for too long is closed with 1013 unavailable, others are not", async () => {
  const person = await world.person();
  const chat = await person.chat();
  const [sender, other] = [await person.socket(), await person.joined(chat.id)];
  const [locked, gate] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const lock = world.sql.begin(async (sql) => {
    await sql`select from chats where id = ${chat.id} for update`;
    locked.resolve();
    await gate.promise;
  });
  await locked.promise;
  sender.send({ type: "message", chat_id: chat.id, content: "late", request_id: "m" });
  await world.untilBlocked();
  world.sockets.checkSessions(Date.now());
  const { code, reason } = await sender.closed;
  gate.resolve();
  await lock;
  expect(code).toBe(1013);
  expect(reason).toStartWith("unavailable: a frame took too long");
  // What has begun is carried out nevertheless.
  await other.next("message", { content: "late" });
  await other.settle();
});

test("a socket whose ticket is not looked up in time is closed with 1013 unavailable", async () => {
  const person = await world.person();
  const { body } = await person.api("POST", "/api/auth/ws-ticket");
  const [locked, gate] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const lock = world.sql.begin(async (sql) => {
    await sql`select from socket_tickets for update`;
    locked.resolve();
    await gate.promise;
  });
  await locked.promise;
  const beforeMs = Date.now() - 1;
  const socket = await RawSocket.open(world.socketUrl(`?token=${body.ticket}`));
  await world.untilBlocked();
  world.sockets.checkSessions(beforeMs);
  await person.api("GET", "/api/auth/me");
  expect(Bun.peek.status(socket.closed)).toBe("pending");
  world.sockets.checkSessions(Date.now());
  const end = await socket.closed;
  gate.resolve();
  await lock;
  expect(end).toEqual({ code: 1013, reason: "unavailable: signing in took too long" });
});

longTest(
  "a frame that waits for a peer that reads slowly is not one that runs for too long",
  async () => {
    const [ann, ben] = [await world.person(), await world.person()];
    const about = { userId: ann.id, username: ann.username, content: "🙂".repeat(16_000) };
    const chatIds: number[] = [];
    for (let made = 0; made < 20; made += 1) {
      const { id: chatId } = await ann.chat({ with: [ben] });
      chatIds.push(chatId);
      const message = { ...about, chatId, clientId: undefined, runId: undefined };
      await insertMessages(world.sql, Array(10).fill(message), { leaseSeconds: 6 });
    }
    const slow = await RawSocket.open(world.socketUrl(`?token=${ben.token}&frames=flat`));
    slow.pause();
    slow.send(...chatIds.map((chat_id) => ({ type: "join", chat_id, after_seq: 0 })));
    // Until the server goes no further: it has sent what fits on the way.
    let waiting = -1;
    for (let still = 0; still < 20; still += 1) {
      await ann.api("GET", "/api/chats");
      if (world.sockets.waitingFrames() !== waiting) still = 0;
      waiting = world.sockets.waitingFrames();
    }
    expect(waiting).toBeGreaterThan(0);
    world.sockets.checkSessions(Date.now());
    slow.resume();
    await slow.until("joined", { chat_id: chatIds.at(-1) });
    await slow.destroy();
  },
  60_000,
);
