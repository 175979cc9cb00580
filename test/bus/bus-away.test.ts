// The bus between servers is away, hangs, or loses and doubles what goes over it: nothing numbered is lost, and nobody who
// sends notices.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import type { RunningServer } from "../../src/server.ts";
import { room } from "../answers/room.ts";
import { answerAndHang, say, until } from "../world/gemini/script.ts";
import { createNats, hasNats } from "../world/nats.ts";
import { startNatsProxy, type NatsProxy } from "../world/nats-proxy.ts";
import type { Frame } from "../world/socket.ts";
import { useWorld, type Person } from "../world/world.ts";
import { elsewhere, joinedElsewhere, socketElsewhere, untilShared } from "./elsewhere.ts";

const durations = { awayCheckMs: 50, beatMs: 50, aliveMs: 50, gapMs: 20, activityMs: 1 };
const metricsToken = "metrics-token-of-the-tests";

describe.skipIf(!hasNats)("a server whose bus is away", () => {
  // A frame of more than 4 KiB does not go over it.
  const nats = createNats("max_payload: 4096");
  beforeAll(() => nats.start());
  const world = useWorld({
    nats,
    env: { METRICS_TOKEN: metricsToken },
    durations,
  });
  let proxy: NatsProxy;
  let other: RunningServer;
  let ann: Person;
  let ben: Person;
  beforeAll(async () => {
    proxy = await startNatsProxy(nats.url);
    other = world.startAnother({ natsUrl: proxy.url });
    await untilShared(world.ctx, other.ctx);
    [ann, ben] = [await world.person("ann"), await world.person("ben")];
  });
  afterAll(async () => {
    proxy.stop();
    await nats.stop();
  });

  const readiness = async () => {
    const { status, body } = await world.call("GET", "/ready");
    return [status, body.status, body.dependencies.bus];
  };
  const untilAway = async () => {
    while ([world, other].some(({ ctx }) => ctx.peers.bus === "up")) await Bun.sleep(10);
  };
  const numbers = (frames: Frame[]) =>
    frames.map(({ updated_seq: number }) => number).filter((number) => number !== undefined);

  test("sends as before, says that it is degraded, and catches up", async () => {
    const chat = await ann.chat({ with: [ben] });
    const bens = await joinedElsewhere(other, ben, chat.id);
    expect(await readiness()).toEqual([200, "ready", "up"]);
    await nats.kill();
    await untilAway();
    expect(await readiness()).toEqual([200, "degraded", "away"]);
    for (const text of ["one", "two"]) await ann.say(chat.id, text);
    await bens.next("message", { content: "two" });
    await nats.start();
    await untilShared(world.ctx, other.ctx);
    expect(await readiness()).toEqual([200, "ready", "up"]);
    await ann.say(chat.id, "three");
    await bens.next("message", { content: "three" });
    expect(numbers(bens.ofType("message"))).toEqual([1, 2, 3]);
    const { body: metrics } = await world.call("GET", "/metrics", undefined, {
      authorization: `Bearer ${metricsToken}`,
    });
    expect(metrics).toMatch(/^gemini_coop_bus_away 0$/m);
    expect(metrics).toMatch(/^gemini_coop_bus_outages_total [1-9]/m);
  });

  test("hears of a bus that hangs, and of one that goes on", async () => {
    const chat = await ann.chat({ with: [ben] });
    const bens = await joinedElsewhere(other, ben, chat.id);
    nats.pause();
    await ann.say(chat.id, "while it hangs");
    await bens.next("message", { content: "while it hangs" });
    await untilAway();
    nats.resume();
    await untilShared(world.ctx, other.ctx);
    await ann.say(chat.id, "and on");
    await bens.next("message", { content: "and on" });
    expect(numbers(bens.ofType("message"))).toEqual([1, 2]);
  });

  test("joins rooms, and greets with those who are there when the bus is back", async () => {
    const chat = await ann.chat({ with: [ben] });
    await ann.say(chat.id, "before");
    proxy.cut();
    while (other.ctx.peers.bus === "up") await Bun.sleep(10);
    const anns = await ann.joined(chat.id);
    const bens = await joinedElsewhere(other, ben, chat.id, 0);
    expect(bens.ofType("joined")).toMatchObject([{ last_seq: 1, online_count: 1 }]);
    await ann.say(chat.id, "meanwhile");
    await bens.next("message", { content: "meanwhile" });
    proxy.mend();
    await anns.next("user_joined", { user_id: ben.id });
    await bens.next("user_joined", { user_id: ann.id });
    await bens.close();
    await anns.next("user_left", { user_id: ben.id });
  });

  test("shows nobody as there whose server goes down meanwhile", async () => {
    const gone = world.startAnother({
      natsUrl: nats.url,
      durations: { ...durations, presenceHoldMs: 20 },
    });
    await untilShared(world.ctx, gone.ctx);
    const chat = await ann.chat({ with: [ben] });
    const anns = await ann.joined(chat.id);
    await joinedElsewhere(gone, ben, chat.id);
    await anns.next("user_joined", { user_id: ben.id });
    await nats.kill();
    await untilAway();
    await gone.stop();
    await anns.next("user_left", { user_id: ben.id });
    await nats.start();
    await untilShared(world.ctx, other.ctx);
  });

  test("tells nobody anything above their removal", async () => {
    const chat = await ann.chat({ with: [ben] });
    const [joined, following] = [
      await joinedElsewhere(other, ben, chat.id),
      await socketElsewhere(other, ben),
    ];
    const anns = await socketElsewhere(other, ann);
    await ann.say(chat.id, "before");
    await following.next("chat_activity", { last_message: "before" });
    proxy.cut();
    while (other.ctx.peers.bus === "up") await Bun.sleep(10);
    await ann.api("DELETE", `/api/chats/${chat.id}/participants/${ben.id}`);
    // A message of the server that has been told nothing of the removal.
    const path = `/api/chats/${chat.id}/messages`;
    const sent = await elsewhere(other, ann, "POST", path, { content: "after" });
    expect(sent.status).toBe(200);
    await anns.next("chat_activity", { last_message: "after" });
    await joined.next("participant_removed", { user_id: ben.id });
    for (const socket of [joined, following]) {
      await socket.settle();
      const told = socket.frames.filter(({ seq }) => Number(seq) > 1);
      expect(told).toEqual([]);
    }
    proxy.mend();
    await untilShared(world.ctx, other.ctx);
  });

  test("reads frames from the log that are too large for the bus", async () => {
    const chat = await ann.chat({ with: [ben] });
    const bens = await joinedElsewhere(other, ben, chat.id);
    const content = "long ".repeat(2_000).trim();
    await ann.say(chat.id, content);
    expect(await bens.next("message")).toMatchObject({ seq: 1, content });
    await ann.say(chat.id, "short");
    await bens.next("message", { content: "short" });
  });

  test("shows no message twice that comes twice, and finds those that are lost", async () => {
    const chat = await ann.chat({ with: [ben] });
    const bens = await joinedElsewhere(other, ben, chat.id);
    proxy.play({ double: 1, doubleMs: 30 });
    for (let n = 1; n <= 5; n += 1) await ann.say(chat.id, `twice ${n}`);
    await bens.next("message", { content: "twice 5" });
    proxy.play({ drop: 1 });
    for (let n = 6; n <= 8; n += 1) await ann.say(chat.id, `lost ${n}`);
    proxy.play({});
    // The last one has no successor: it is told of by a beat.
    await bens.next("message", { content: "lost 8" });
    expect(numbers(bens.ofType("message"))).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
  });

  test("shows an answer whole whose pieces were lost", async () => {
    const { anna, annas, chat } = await room(world);
    const away = await joinedElsewhere(other, anna, chat.id);
    const pieces = Promise.withResolvers<void>();
    world.gemini.respondWith(answerAndHang(say("Lost, "), until(pieces.promise), say("found")));
    proxy.play({ drop: 1 });
    await anna.say(chat.id, "/bot tell me");
    const { message_id: id } = await annas.next("bot_stream", { chunk: "Lost, " });
    proxy.play({});
    await away.next("bot_stream", { seq: 2 });
    pieces.resolve();
    await annas.next("bot_stream", { chunk: "found" });
    let shown = "";
    while (shown !== "Lost, found") {
      const { offset, chunk } = await away.next("bot_stream");
      expect([0, shown.length]).toContain(Number(offset));
      shown = shown.slice(0, Number(offset)) + String(chunk);
    }
    await anna.api("POST", `/api/chats/${chat.id}/messages/${Number(id)}/stop`);
    await away.next("bot_stream", { is_complete: true });
  });
});
