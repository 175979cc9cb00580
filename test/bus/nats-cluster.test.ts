// Two NATS servers that are joined: the rooms of all servers stay shared when one of them is killed.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import type { RunningServer } from "../../src/server.ts";
import { freePort } from "../world/free-port.ts";
import { createNats, hasNats } from "../world/nats.ts";
import { useWorld } from "../world/world.ts";
import { joinedElsewhere, untilShared } from "./elsewhere.ts";

const hourMs = 3_600_000;

describe.skipIf(!hasNats)("over two joined NATS servers", () => {
  const [firstRoute, secondRoute] = [freePort(), freePort()];
  const joined = (own: number, others: number) =>
    `cluster { name: both, listen: "127.0.0.1:${own}", routes: ["nats://127.0.0.1:${others}"] }`;
  const first = createNats(joined(firstRoute, secondRoute));
  const second = createNats(joined(secondRoute, firstRoute));
  beforeAll(() => first.start());
  /** Nothing is found by looking at the database. */
  const world = useWorld({
    nats: { url: `${first.url},${second.url}` },
    durations: { sharedLogCheckMs: hourMs, awayCheckMs: hourMs, beatMs: 50 },
  });
  let other: RunningServer;
  beforeAll(async () => {
    // The other server is on the second one, since this one found nothing but the first.
    await untilShared(world.ctx);
    await second.start();
    other = world.startAnother({ natsUrl: second.url });
    await untilShared(other.ctx);
  });
  afterAll(async () => {
    await first.stop();
    await second.stop();
  });

  test("messages go from one to the other, and go on when the server's own one is killed", async () => {
    const [ann, ben] = [await world.person(), await world.person()];
    const chat = await ann.chat({ with: [ben] });
    const [anns, bens] = [await ann.joined(chat.id), await joinedElsewhere(other, ben, chat.id)];
    await ann.say(chat.id, "over both");
    await bens.next("message", { content: "over both" });
    await first.kill();
    // Where this is said while the server is between the two, its beats tell of it afterwards.
    await ann.say(chat.id, "over the second");
    await bens.next("message", { content: "over the second" });
    bens.send({ type: "message", chat_id: chat.id, content: "and back" });
    await anns.next("message", { content: "and back" });
    const numbers = (frames: typeof anns.frames) => frames.map(({ seq }) => seq);
    expect(numbers(anns.ofType("message"))).toEqual([1, 2, 3]);
    expect(numbers(bens.ofType("message"))).toEqual([1, 2, 3]);
  });
});
