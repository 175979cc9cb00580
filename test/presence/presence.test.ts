// Frames that tell people who share a chat with somebody that they are online, away or offline.
import { describe, expect, test } from "bun:test";
import { watchedMax } from "../../src/wire/presence.ts";
import { badIds, expectInvalid, nowhere } from "../socket/refusals.ts";
import { useWorld } from "../world/world.ts";
import { offline, online, shows, statusesOf, told, watch } from "./watching.ts";

const minuteMs = 60_000;

let clockMs = Date.now();
const world = useWorld({
  now: () => new Date(clockMs),
  durations: { presencePollMs: 10, presenceHoldMs: 200 },
});

/** Two people in a chat, the first of whom has a socket. */
async function pair() {
  const [ann, ben] = [await world.person("ann"), await world.person("ben")];
  const chat = await ann.chat({ with: [ben] });
  return { ann, ben, chat, reader: await ann.socket() };
}

describe("a watch", () => {
  test("tells at once who is there, and then of each change, to everybody who watches", async () => {
    const { ben, reader } = await pair();
    expect(await watch(reader, ben)).toEqual([offline(ben)]);
    const socket = await ben.socket();
    expect(await told(reader, ben, "online")).toEqual(online(ben));
    const cat = await world.person("cat");
    await cat.chat({ with: [ben] });
    const other = await cat.socket();
    expect(await watch(other, ben)).toEqual([online(ben)]);
    await socket.close();
    const gone = await told(reader, ben, "offline");
    expect(gone.last_seen_at).toMatch(/^20.*Z$/);
    expect(await told(other, ben, "offline")).toEqual(gone);
    expect(await watch(other, ben)).toEqual([gone]);
  });

  test("tells when the last socket closed, not when the hold ended, and for a person who is back nothing", async () => {
    const { ben, reader } = await pair();
    const socket = await ben.socket();
    await watch(reader, ben);
    const before = world.sockets.size;
    await socket.close();
    while (world.sockets.size === before) await reader.settle();
    clockMs += minuteMs;
    const { last_seen_at } = await told(reader, ben, "offline");
    expect(Date.now() - Date.parse(last_seen_at ?? "")).toBeGreaterThan(minuteMs / 2);
    await ben.socket();
    expect(await told(reader, ben, "online")).toEqual(online(ben));
  });

  test("sends one entry for each person, in the order of the list, before it is acknowledged", async () => {
    const { ann, ben, reader } = await pair();
    const user_ids = [ben.id, nowhere, ann.id, ben.id];
    reader.send({ type: "watch_presence", user_ids, request_id: "w" });
    await reader.next("ack", { request_id: "w" });
    expect(reader.ofType("presence")[0]?.users).toMatchObject([
      { user_id: ben.id },
      { user_id: nowhere },
      { user_id: ann.id },
    ]);
  });

  test("shows people themselves, also those who are in no chat", async () => {
    const cat = await world.person("cat");
    const socket = await cat.socket();
    await watch(socket, cat);
    await socket.ask({ type: "presence", status: "away" });
    await told(socket, cat, "away");
    await socket.ask({ type: "presence", status: "online" });
    expect(await told(socket, cat, "online")).toEqual(online(cat));
  });

  test("replaces the one before", async () => {
    const { ann, ben, reader } = await pair();
    const cat = await world.person("cat");
    await ann.chat({ with: [cat] });
    await watch(reader, ben);
    await watch(reader, cat);
    const bens = await ben.socket();
    await watch(bens, ben);
    await bens.ask({ type: "presence", status: "away" });
    await told(bens, ben, "away");
    await cat.socket();
    await told(reader, cat, "online");
    expect(statusesOf(reader, ben)).toEqual(["offline"]);
  });

  test("ends with an empty list, and with its socket, and leaves nothing behind", async () => {
    const { ben, reader } = await pair();
    const { watches, people } = world.presence;
    const second = await ben.socket();
    await watch(reader, ben);
    await watch(second, ben);
    const before = watches.size;
    expect(await reader.ask({ type: "watch_presence", user_ids: [] })).toMatchObject({
      type: "ack",
    });
    expect(watches.size).toBe(before - 1);
    await second.close();
    while (watches.size > before - 2) await reader.settle();
    world.ctx.gateway.disconnectUser(ben.id);
    const last = await (await world.person()).socket();
    for (const { id } of await world.sql`select id from users`) {
      world.ctx.gateway.disconnectUser(Number(id));
    }
    await last.closed;
    while (people.size > 0 || watches.size > 0) await world.sql`select 1`;
  });

  test("is refused for a list that is not one of at most 500 ids, and the one before goes on", async () => {
    const { ben, reader } = await pair();
    await watch(reader, ben);
    const tooMany = Array.from({ length: watchedMax + 1 }, (_, n) => n + 1);
    for (const user_ids of [undefined, null, 7, {}, tooMany, ...badIds.map((id) => [ben.id, id])]) {
      await expectInvalid(reader, { type: "watch_presence", user_ids });
    }
    await ben.socket();
    await told(reader, ben, "online");
  });

  test("takes 500 people, of whom some may not exist", async () => {
    const { ben, reader } = await pair();
    const unknown = Array.from({ length: watchedMax - 1 }, (_, n) => ({
      id: Number.MAX_SAFE_INTEGER - n,
    }));
    const [first, ...others] = await watch(reader, ben, ...unknown);
    expect(first).toEqual(offline(ben));
    expect(others).toEqual(unknown.map((person) => offline(person)));
    await ben.socket();
    await told(reader, ben, "online");
  });

  test("of hundreds of sockets at once is answered to each of them", async () => {
    const { ben, reader } = await pair();
    await ben.socket();
    await watch(reader, ben);
    const sockets = await Promise.all(Array.from({ length: 40 }, () => ben.socket()));
    const answers = await Promise.all(sockets.map((socket) => watch(socket, ben, { id: nowhere })));
    for (const users of answers) expect(users).toHaveLength(2);
    await Promise.all(sockets.map((socket) => socket.close()));
  });
});

describe("away", () => {
  test("is somebody all of whose clients have said so", async () => {
    const { ben, reader } = await pair();
    const [first, second] = [await ben.socket(), await ben.socket()];
    await watch(reader, ben);
    await first.ask({ type: "presence", status: "away" });
    await second.ask({ type: "presence", status: "away" });
    expect(await told(reader, ben, "away")).toEqual({ ...online(ben), status: "away" });
    await first.ask({ type: "presence", status: "online" });
    await told(reader, ben, "online");
    await first.close();
    await told(reader, ben, "away");
    expect(statusesOf(reader, ben).filter((status) => status === "offline")).toEqual([]);
  });

  test("is no longer somebody who opens another client", async () => {
    const { ben, reader } = await pair();
    const first = await ben.socket();
    await watch(reader, ben);
    await first.ask({ type: "presence", status: "away" });
    await told(reader, ben, "away");
    await first.ask({ type: "join", chat_id: (await ben.chat()).id });
    await ben.socket();
    await told(reader, ben, "online");
  });

  test("is somebody none of whose clients has sent a frame for 10 minutes, until one comes", async () => {
    const { ann, ben, chat, reader } = await pair();
    const [first, second] = [await ben.socket(), await ben.socket()];
    await watch(reader, ann, ben);
    await shows(reader, ann, "online");
    await shows(reader, ben, "online");
    clockMs += 9 * minuteMs;
    await second.ask({ type: "typing", chat_id: chat.id });
    clockMs += 9 * minuteMs;
    await shows(reader, ann, "away");
    expect(statusesOf(reader, ben)).not.toContain("away");
    clockMs += minuteMs;
    await shows(reader, ben, "away");
    await first.ask({ type: "ping" });
    await first.ask({ type: "auth", token: ben.token });
    await reader.ask({ type: "typing", chat_id: chat.id });
    await shows(reader, ann, "online");
    expect(statusesOf(reader, ben).at(-1)).toBe("away");
    await first.ask({ type: "typing", chat_id: chat.id });
    await shows(reader, ben, "online");
  });

  test("is not said by anything else, nor is offline", async () => {
    const { reader } = await pair();
    for (const status of [undefined, null, "offline", "invisible", "", "Away", 1, ["away"]]) {
      await expectInvalid(reader, { type: "presence", status });
    }
  });
});
