// A socket that sends faster than it is served: warned, then closed. Its frames never run side by side.
import { beforeAll, expect } from "bun:test";
import { RawSocket } from "./raw.ts";
import { longTest, test } from "../world/long.ts";
import { useWorld, type Person } from "../world/world.ts";

const world = useWorld();
let ann: Person;
let ben: Person;
let chatId: number;
beforeAll(async () => {
  ann = await world.person("ann");
  ben = await world.person("ben");
  chatId = (await ann.chat({ with: [ben] })).id;
});

const range = (from: number, to: number) =>
  Array.from({ length: to - from + 1 }, (_, n) => from + n);

const open = (person: Person) =>
  RawSocket.open(world.socketUrl(`?token=${person.token}&frames=flat`));

const messages = (count: number) =>
  range(1, count).map((n) => ({
    type: "message",
    chat_id: chatId,
    content: `flood ${n}`,
    request_id: n,
  }));

test("a flood is told once to slow down, with retry_after, and is then closed with 1008 flood; others are served", async () => {
  const bens = await ben.joined(chatId);
  const flooder = await open(ann);
  flooder.send(...messages(1_000));
  const closed = await flooder.closed;
  expect(closed?.code).toBe(1008);
  expect(closed?.reason).toStartWith("flood");
  expect(flooder.frames.filter(({ code }) => code === "flood")).toEqual([
    { type: "error", code: "flood", detail: expect.stringMatching(/\S/), retry_after: 1 },
  ]);
  await bens.settle();
  await ann.say(chatId, "after the flood");
  await bens.next("message", { content: "after the flood" });
  // Frames that waited were discarded with the socket.
  expect(bens.ofType("message").length).toBeLessThan(600);
  const again = await open(ann);
  again.send({ type: "ping" });
  await again.until("pong");
});

longTest(
  "a burst that is not quite a flood is warned once, and all of it is done in order",
  async () => {
    const bens = await ben.joined(chatId);
    const bursting = await open(ann);
    for (const _ of range(1, 2)) {
      bursting.frames.length = 0;
      bursting.send(...messages(400), { type: "ping" });
      await bursting.until("pong");
      const acks = bursting.frames.filter(({ type }) => type === "ack");
      expect(acks.map(({ request_id }) => request_id)).toEqual(range(1, 400));
      const seqs = acks.map(({ seq }) => Number(seq));
      expect(seqs).toEqual(seqs.toSorted((a, b) => a - b));
      expect(bursting.frames.filter(({ type }) => type === "error")).toEqual([
        { type: "error", code: "flood", detail: expect.any(String), retry_after: 1 },
      ]);
    }
    await bens.settle();
    const contents = bens.ofType("message").map(({ content }) => content);
    const burst = range(1, 400).map((n) => `flood ${n}`);
    expect(contents).toEqual([...burst, ...burst]);
  },
);

test("a burst below that is not warned", async () => {
  const bursting = await open(ann);
  bursting.send(...messages(100), { type: "ping" });
  await bursting.until("pong");
  expect(bursting.frames.filter(({ type }) => type === "error")).toEqual([]);
});

test("a flood before its token was looked at is closed like any other", async () => {
  const flooder = await RawSocket.open(world.socketUrl());
  flooder.send({ type: "auth", token: ann.token }, ...messages(1_000));
  expect((await flooder.closed)?.reason).toStartWith("flood");
});

test("a flood of few but large frames is one too: what waits has an end in bytes", async () => {
  const locked = Promise.withResolvers<void>();
  const gate = Promise.withResolvers<void>();
  const lock = world.sql.begin(async (sql) => {
    await sql`select id from chats where id = ${chatId} for update`;
    locked.resolve();
    await gate.promise;
  });
  await locked.promise;
  const flooder = await open(ann);
  const fill = "x".repeat(60_000);
  flooder.send(...messages(100).map((frame) => ({ ...frame, fill })));
  expect((await flooder.closed)?.reason).toStartWith("flood");
  // Frames of activity are those of messages that a test before has left.
  const others = flooder.frames.filter(({ type }) => type !== "chat_activity");
  expect(others.map(({ code }) => code)).toEqual(["flood"]);
  gate.resolve();
  await lock;
});

test("frames that come to nothing count like others", async () => {
  const flooder = await RawSocket.open(world.socketUrl());
  const stranger = await world.person();
  flooder.send(
    { type: "auth", token: stranger.token },
    ...range(1, 1_000).map(() => ({ type: "typing", chat_id: chatId })),
  );
  expect((await flooder.closed)?.reason).toStartWith("flood");
});
