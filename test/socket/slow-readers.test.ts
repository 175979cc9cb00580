// Readers that don't read, or are not there any more: cut off, without harm to anybody, and nothing is lost.
import { beforeAll, describe, expect } from "bun:test";
import { insertMessages } from "../../src/log/insert.ts";
import { metricsToken, scrape } from "../observability/metrics/scrape.ts";
import { RawSocket } from "./raw.ts";
import { longTest, test } from "../world/long.ts";
import type { Frame } from "../world/socket.ts";
import { useWorld, type Person } from "../world/world.ts";

let ann: Person;
let ben: Person;
const world = useWorld({ env: { METRICS_TOKEN: metricsToken } });
beforeAll(async () => {
  ann = await world.person("ann");
  ben = await world.person("ben");
});

const range = (from: number, to: number) =>
  Array.from({ length: Math.max(0, to - from + 1) }, (_, n) => from + n);
/** As large as messages are: 64,000 bytes. */
const large = "🙂".repeat(16_000);

const open = (person: Person) =>
  RawSocket.open(world.socketUrl(`?token=${person.token}&frames=flat`));

async function joined(person: Person, ...chatIds: number[]): Promise<RawSocket> {
  const socket = await open(person);
  for (const chat_id of chatIds) {
    socket.send({ type: "join", chat_id });
    await socket.until("joined", { chat_id });
  }
  return socket;
}

const numbersOf = (frames: Frame[], chatId: number) =>
  frames
    .filter(({ type, chat_id }) => type === "message" && chat_id === chatId)
    .map(({ seq }) => Number(seq));

describe("a reader that does not read", () => {
  test("is cut off, the others have everything, and on its return it catches up without a gap", async () => {
    const busy = (await ann.chat({ with: [ben] })).id;
    const quiet = (await ann.chat({ with: [ben] })).id;
    const sender = await ann.joined(busy);
    const other = await ben.joined(busy);
    const stuck = await joined(ben, busy, quiet);
    await ann.say(quiet, "one");
    await stuck.until("message", { chat_id: quiet });
    stuck.pause();
    const watcher = await ann.joined(quiet);

    let sent = 0;
    let gone = false;
    void watcher.next("user_left", { user_id: ben.id }).then(() => (gone = true));
    while (!gone && sent < 400) {
      sent += 4;
      await Promise.all(
        range(1, 4).map(() => sender.ask({ type: "message", chat_id: busy, content: large })),
      );
    }
    expect(gone).toBe(true);
    const series = await scrape(world);
    expect(series.get('gemini_coop_sockets_closed_total{reason="too_slow"}')).toBe(1);
    expect(series.get('gemini_coop_frames_dropped_total{cause="slow_reader"}')).toBeGreaterThan(0);
    await ann.say(quiet, "two");
    await ann.say(busy, "the last");
    await other.next("message", { content: "the last" });
    expect(numbersOf(other.frames, busy)).toEqual(range(1, sent + 1));

    stuck.resume();
    await stuck.closed;
    const seen = numbersOf(stuck.frames, busy);
    expect(seen).toEqual(range(1, seen.length));
    expect(seen.length).toBeLessThan(sent);

    const back = await ben.socket();
    const caughtUp = await back.ask({ type: "join", chat_id: quiet, after_seq: 1 });
    expect(caughtUp).toMatchObject({ type: "joined", recovered: true, last_seq: 2 });
    expect(numbersOf(back.frames, quiet)).toEqual([2]);
    // The socket is more than 1 MiB behind, so that the rest is read over HTTP.
    const behind = await back.ask({ type: "join", chat_id: busy, after_seq: seen.length });
    expect(behind).toMatchObject({ recovered: false, last_seq: sent + 1 });
    const path = `/api/chats/${busy}/messages?limit=200&after_seq=${seen.length}`;
    const { body } = await ben.api("GET", path);
    expect(body.map(({ seq }: Frame) => seq)).toEqual(range(seen.length + 1, sent + 1));
    for (const socket of [sender, other, watcher, back]) await socket.close();
  }, 20_000);

  longTest(
    "is given what it asked for at the speed at which it reads it, and is not cut off for that",
    async () => {
      const chats = await Promise.all(range(1, 20).map(() => ann.chat({ with: [ben] })));
      const about = { userId: ann.id, username: ann.username, content: large };
      for (const { id: chatId } of chats) {
        const message = { ...about, chatId, clientId: undefined, runId: undefined };
        await insertMessages(
          world.sql,
          range(1, 10).map(() => message),
          { leaseSeconds: 6 },
        );
      }
      const watcher = await ann.socket();
      for (const { id } of chats) await watcher.ask({ type: "join", chat_id: id });
      const slow = await open(ben);
      slow.pause();
      slow.send(...chats.map(({ id }) => ({ type: "join", chat_id: id, after_seq: 0 })));
      // Until the server goes no further: it has sent what fits on the way.
      let came = 0;
      for (let still = 0; still < 50; still += 1) {
        await ann.api("GET", "/api/chats");
        const joins = watcher.ofType("user_joined").length;
        if (joins > came) still = 0;
        came = joins;
      }
      expect(came).toBeLessThan(chats.length);
      slow.resume();
      await slow.until("joined", { chat_id: chats.at(-1)?.id });
      for (const { id } of chats) expect(numbersOf(slow.frames, id)).toEqual(range(1, 10));
      await Promise.all([slow.destroy(), watcher.close()]);
    },
  );
});

describe("a peer that is not there any more", () => {
  test("is cut off at the second heartbeat that it doesn't answer, also while frames are sent to it", async () => {
    const { id } = await ann.chat({ with: [ben] });
    const watcher = await ann.joined(id);
    const dead = await joined(ben, id);
    expect(world.sockets.heartbeat()).toBe(0);
    await dead.until("ping of the protocol");
    await ann.say(id, "are you there?");
    await dead.until("message");
    await watcher.settle();
    expect(world.sockets.heartbeat()).toBe(1);
    await watcher.next("user_left", { user_id: ben.id });
    expect(await dead.closed).toBeUndefined();
    await watcher.close();
  });

  test("is not one that answers a heartbeat, or one that sends a frame instead", async () => {
    const [answering, sending] = [await open(ann), await open(ben)];
    const barrier = await ann.socket();
    for (const _ of range(1, 4)) {
      expect(world.sockets.heartbeat()).toBe(0);
      await answering.until("ping of the protocol");
      await sending.until("ping of the protocol");
      answering.frames.length = 0;
      sending.frames.length = 0;
      answering.pong();
      sending.send({ type: "ping" });
      await sending.until("pong");
      // Frames that were sent before this have reached the server now.
      await barrier.settle();
    }
    await Promise.all([answering.destroy(), sending.destroy()]);
  });
});
