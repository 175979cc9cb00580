// A join in the middle of a burst: whatever was sent before, during or after it comes exactly once, in order.
import { beforeAll, expect } from "bun:test";
import fc from "fast-check";
import type { Frame, TestSocket } from "../world/socket.ts";
import { bothTest, isLong, timesOf } from "../world/long.ts";
import { useWorld, type Person } from "../world/world.ts";

const world = useWorld();
let people: Person[];
let senders: TestSocket[];
beforeAll(async () => {
  people = await Promise.all(["ann", "ben", "cat"].map((name) => world.person(name)));
  senders = await Promise.all(people.map((person) => person.socket()));
});

const durable = new Set(["message", "chat_updated", "participant_added", "participant_removed"]);

function numbersOf(frames: Frame[]): number[] {
  return frames.filter(({ type }) => durable.has(type)).map((frame) => Number(frame.updated_seq));
}

const range = (from: number, to: number) =>
  Array.from({ length: Math.max(0, to - from + 1) }, (_, index) => from + index);

interface Burst {
  /** Messages that are there before. */
  before: number;
  /** Messages of each sender. */
  each: number[];
  /** The messages of a sender that are on their way at once. */
  window: number;
  /** Renames by HTTP, at the same time. */
  renames: number;
  /** The join goes out when so many of the messages are acknowledged. */
  joinAfterAcks: number;
  /** The share of the history that the joining client says it has, from nothing (0) to all of it (1). */
  has: number;
  /** The sockets of two people that join at the same time. */
  readers: number;
  /** Whether somebody listens already: the room is open then. */
  listened: boolean;
  /** The same socket joins again, each time from the last number it has seen. */
  again: ("without leaving" | "after leaving")[];
}

const bursts: fc.Arbitrary<Burst> = fc.record({
  before: fc.integer({ min: 0, max: 10 }),
  each: fc.array(fc.integer({ min: 5, max: 20 }), { minLength: 3, maxLength: 3 }),
  window: fc.integer({ min: 1, max: 8 }),
  renames: fc.integer({ min: 0, max: 3 }),
  joinAfterAcks: fc.integer({ min: 0, max: 20 }),
  has: fc.constantFrom(0, 0.5, 1),
  readers: fc.integer({ min: 1, max: 4 }),
  listened: fc.boolean(),
  again: fc.array(fc.constantFrom("without leaving", "after leaving"), { maxLength: 5 }),
});

/** Sends everything of a burst. @returns when all is done; `reached(n)` settles when n messages are acknowledged */
function sendAll(chatId: number, burst: Burst) {
  let acks = 0;
  const waiting: { acks: number; resolve: () => void }[] = [];
  const count = () => {
    acks += 1;
    for (const { acks: wanted, resolve } of waiting) if (wanted <= acks) resolve();
  };
  const send = async (index: number) => {
    const all = range(1, burst.each[index] ?? 0);
    for (let at = 0; at < all.length; at += burst.window) {
      const together = all.slice(at, at + burst.window).map(async (n) => {
        const frame = { type: "message", chat_id: chatId, content: `${index}.${n}` };
        expect(await senders[index]?.ask(frame)).toHaveProperty("seq");
        count();
      });
      await Promise.all(together);
    }
  };
  const renames = range(1, burst.renames).map((n) =>
    people[0]?.api("PATCH", `/api/chats/${chatId}`, { name: `name ${n}` }),
  );
  const total = burst.each.reduce((sum, count) => sum + count, 0);
  return {
    done: Promise.all([...senders.map((_, index) => send(index)), ...renames]),
    reached: (wanted: number) =>
      new Promise<void>((resolve) => {
        if (acks >= Math.min(wanted, total)) resolve();
        else waiting.push({ acks: Math.min(wanted, total), resolve });
      }),
  };
}

interface Joined {
  lastSeq: number;
  /** The numbers of the messages that must stand right before it. */
  replay: number[];
}

async function join(socket: TestSocket, chatId: number, afterSeq: number): Promise<Joined> {
  const joined = await socket.ask({ type: "join", chat_id: chatId, after_seq: afterSeq });
  expect(joined).toMatchObject({ type: "joined", recovered: true });
  const lastSeq = Number(joined.last_seq);
  const rows = await world.sql`
    select seq from messages
    where chat_id = ${chatId} and seq > ${afterSeq} and seq <= ${lastSeq}
    order by seq
  `;
  return { lastSeq, replay: rows.map(({ seq }) => Number(seq)) };
}

/** All durable numbers that came, cut at each `joined`. */
function stretches(frames: Frame[]): number[][] {
  const cuts = frames.flatMap(({ type }, index) => (type === "joined" ? [index] : []));
  return [0, ...cuts].map((cut, index) => numbersOf(frames.slice(cut, cuts[index])));
}

/** Fails unless what came between two joins is what was live after the one, then the replay of the other. */
function expectStretch(came: number[], after: Joined, before: Joined) {
  const live = came.slice(0, came.length - before.replay.length);
  expect(live).toEqual(range(after.lastSeq + 1, after.lastSeq + live.length));
  // Once the server works on a join nothing comes live: it would come again with it.
  expect(after.lastSeq + live.length).toBeLessThanOrEqual(before.lastSeq);
  expect(came.slice(live.length)).toEqual(before.replay);
}

/** Joins, and joins again, as a reading client does. */
async function read(socket: TestSocket, chatId: number, burst: Burst): Promise<Joined[]> {
  const joins = [await join(socket, chatId, Math.floor(burst.before * burst.has))];
  for (const how of burst.again) {
    if (how === "after leaving") await socket.ask({ type: "leave", chat_id: chatId });
    const seen = Math.max(...joins.map(({ lastSeq }) => lastSeq), ...numbersOf(socket.frames));
    joins.push(await join(socket, chatId, seen));
  }
  return joins;
}

function expectAll(frames: Frame[], joins: Joined[], lastSeq: number) {
  const [missed, ...rest] = stretches(frames);
  expect(missed).toEqual(joins[0]?.replay ?? []);
  for (const [index, came] of rest.entries()) {
    const after = joins[index];
    const before = joins[index + 1];
    if (!after) throw new Error("more was joined than asked");
    if (before) expectStretch(came, after, before);
    else expect(came).toEqual(range(after.lastSeq + 1, lastSeq));
  }
}

async function play(burst: Burst) {
  const [owner, ...others] = people;
  if (!owner) throw new Error("nobody there");
  const { id: chatId } = await owner.chat({ with: others });
  const listener = burst.listened ? await owner.joined(chatId) : undefined;
  for (const n of range(1, burst.before)) await owner.say(chatId, `before ${n}`);
  const readers = await Promise.all(
    range(1, burst.readers).map((n) => (others[n % 2] ?? owner).socket()),
  );

  const { done, reached } = sendAll(chatId, burst);
  await reached(burst.joinAfterAcks);
  const joins = await Promise.all(readers.map((socket) => read(socket, chatId, burst)));
  await done;

  const { last_seq } = (await owner.api("GET", `/api/chats/${chatId}`)).body;
  for (const [index, socket] of readers.entries()) {
    await socket.settle();
    expectAll(socket.frames, joins[index] ?? [], last_seq);
    await socket.close();
  }
  await listener?.settle();
  if (listener) expect(numbersOf(listener.frames)).toEqual(range(1, last_seq));
  await listener?.close();
}

bothTest(
  "a join at any moment of a burst gets every number above its own exactly once, in order",
  async () => {
    await fc.assert(fc.asyncProperty(bursts, play), {
      numRuns: isLong ? 150 : 6,
      endOnFailure: true,
    });
  },
  timesOf(30_000),
);
