// Lines that a socket leaves in the log.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { CapturedLog } from "../world/captured.ts";
import { startWorld, type Person, type World } from "../world/world.ts";

/** The levels as pino writes them. */
const [debug, info, error] = [20, 30, 50];

async function started(env: Record<string, string>) {
  const log = new CapturedLog();
  const world = await startWorld({ logTo: log, env });
  return { log, world, ann: await world.person("ann") };
}

/** The lines of one socket, of its process the nth. */
const linesOf = (log: CapturedLog, socket: number) =>
  log.lines.filter((line) => line.socket === socket);

const levelsOf = (log: CapturedLog, socket: number) => [
  ...new Set(linesOf(log, socket).map(({ level }) => level)),
];

describe("one of four sockets is followed", () => {
  let log: CapturedLog;
  let world: World;
  let ann: Person;
  beforeAll(async () => {
    ({ log, world, ann } = await started({ LOG_LEVEL: "debug", LOG_SOCKETS_SAMPLE: "0.25" }));
  });
  afterAll(() => world.stop());

  test("by a line at its beginning, one for each frame, and one at its end; the others at debug", async () => {
    const chat = await ann.chat();
    for (let n = 1; n <= 8; n += 1) {
      const socket = await ann.joined(chat.id);
      await socket.ask({ type: "message", chat_id: chat.id, content: "of no concern to a log" });
      await socket.close();
      await log.find({ socket: n, msg: "socket closed" });
      expect([n, levelsOf(log, n)]).toEqual([n, [n % 4 === 0 ? info : debug]]);
    }
    const lines = linesOf(log, 4);
    const upgrades = log.lines.filter(({ path }) => path === "/ws");
    expect(upgrades).toHaveLength(8);
    const frame = { socket: 4, userId: ann.id, outcome: "ok", ms: expect.any(Number) };
    expect(lines).toMatchObject([
      { msg: "socket opened", requestId: upgrades[3]?.requestId },
      { msg: "frame", type: "ping", ...frame },
      { msg: "frame", type: "join", chatId: chat.id, ...frame },
      { msg: "frame", type: "message", chatId: chat.id, ...frame },
      { msg: "socket closed", reason: "bye", code: 1005, frames: 3, refused: 0 },
    ]);
    expect(log.text).not.toContain("of no concern");
  });
});

describe("where no socket is followed", () => {
  let log: CapturedLog;
  let world: World;
  let ann: Person;
  beforeAll(async () => {
    ({ log, world, ann } = await started({ LOG_SOCKETS_SAMPLE: "0" }));
  });
  afterAll(() => world.stop());

  test("what is refused, and why a socket was closed, is told all the same", async () => {
    const socket = await ann.socket();
    await socket.ask({ type: "join", chat_id: 999_999 });
    await socket.ask({ type: "shout", content: "of no concern" });
    socket.ws.send("no json");
    await socket.next("error", { code: "not_json" });
    await socket.close();
    await log.find({ msg: "frame", outcome: "not_json" });
    expect(linesOf(log, 1)).toMatchObject([
      { level: info, type: "join", chatId: 999_999, outcome: "not_found" },
      { level: info, type: "invalid", outcome: "invalid" },
      { level: info, type: "invalid", outcome: "not_json" },
    ]);
    const stranger = new WebSocket(world.socketUrl("?token=of-nobody"));
    await new Promise((resolve) => (stranger.onclose = resolve));
    expect(await log.find({ msg: "socket closed" })).toMatchObject({
      level: info,
      socket: 2,
      reason: "invalid_token",
      code: 1008,
    });
    expect(log.text).not.toMatch(/of no concern|of-nobody/);
  });

  test("an error is told with its stack and the socket's number", async () => {
    const chat = await ann.chat();
    const socket = await ann.socket();
    await world.sql`alter table chats rename to chats_elsewhere`;
    expect(await socket.ask({ type: "join", chat_id: chat.id })).toMatchObject({
      code: "internal",
    });
    await world.sql`alter table chats_elsewhere rename to chats`;
    const line = await log.find({ level: error });
    expect(line).toMatchObject({ socket: 3, msg: "unexpected error" });
    expect(await log.find({ outcome: "internal" })).toMatchObject({ socket: 3, level: info });
  });

  test("who is refused without end has a hundred lines, and how often it was is in the last", async () => {
    const socket = await ann.socket();
    for (let n = 0; n < 130; n += 1) await socket.ask({ type: "shout" });
    await socket.close();
    const last = await log.find({ socket: 4, msg: "socket closed" });
    expect(last).toMatchObject({ level: info, frames: 131, refused: 130 });
    expect(linesOf(log, 4)).toHaveLength(101);
  });
});
