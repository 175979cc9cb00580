// Sockets that break and come back, databases that fail, and clients that ask too often.
import { expect, test } from "bun:test";
import { rates } from "../../src/rate-limits/limits.ts";
import { useWorld } from "../world/world.ts";
import { shows, statusesOf, told, watch } from "./watching.ts";

const world = useWorld({
  env: { RATE_LIMITS: "memory" },
  durations: { presencePollMs: 10, presenceHoldMs: 60_000 },
});

async function pair() {
  const [ann, ben] = [await world.person("ann"), await world.person("ben")];
  await ann.chat({ with: [ben] });
  return { ann, ben, reader: await ann.socket() };
}

test("somebody whose socket breaks and comes back in time never seems to be offline", async () => {
  const { ben, reader } = await pair();
  let socket = await ben.socket();
  await watch(reader, ben);
  for (let times = 0; times < 3; times += 1) {
    const open = world.sockets.size;
    await socket.close();
    while (world.sockets.size === open) await reader.settle();
    await reader.settle();
    // Whatever is known of it by now is sent.
    await world.presence.people.flush();
    await world.presence.watches.poll();
    socket = await ben.socket();
  }
  await socket.ask({ type: "presence", status: "away" });
  await told(reader, ben, "away");
  expect(statusesOf(reader, ben)).toEqual(["online", "away"]);
});

test("a status that could not be written is written later, and a watch that failed can be asked for again", async () => {
  const { ben, reader } = await pair();
  await watch(reader, ben);
  await world.sql`alter table presence rename to lost`;
  try {
    await ben.socket();
    const failed = await reader.ask({ type: "watch_presence", user_ids: [ben.id] });
    expect(failed).toMatchObject({ type: "error", code: "internal" });
  } finally {
    await world.sql`alter table lost rename to presence`;
  }
  await watch(reader, ben);
  await shows(reader, ben, "online");
});

test.each([
  ["presence", { type: "presence", status: "away" }],
  ["presenceWatches", { type: "watch_presence", user_ids: [] }],
] as const)(
  "frames beyond the quota of %s are refused, and the socket stays open",
  async (name, frame) => {
    const ann = await world.person("ann");
    const socket = await ann.socket();
    await world.ctx.rateLimits.take(name, { userId: ann.id }, rates[name].person.quota - 1);
    expect(await socket.ask(frame)).toMatchObject({ type: "ack" });
    expect(await socket.ask(frame)).toMatchObject({
      type: "error",
      code: "rate_limited",
      retry_after: expect.any(Number),
    });
    await socket.settle();
  },
);
