// The reasons for which a socket is lost, and the behaviour of the client after each.
import { afterEach, beforeAll, expect } from "bun:test";
import { signAccessToken } from "../../src/accounts/access-tokens.ts";
import { createPauses, planOf } from "../../src/client/close-plans.ts";
import { timingDefaults } from "../../src/client/timing.ts";
import { closeCodes } from "../../src/wire/close-codes.ts";
import { startFaultProxy } from "gemini-coop/client/faults";
import { startWorld, useWorld, type World, type WorldOptions } from "../world/world.ts";
import { createPeople, tokensOf, until, untilLive, type People } from "./people.ts";
import { longTest, test } from "../world/long.ts";

const world = useWorld();
let people: People;
beforeAll(async () => {
  people = createPeople(world);
});
afterEach(() => people.closeAll());

/** Does something in a world of its own, and ends it. */
async function inWorld(
  options: WorldOptions,
  play: (world: World, people: People) => Promise<void>,
) {
  const own = await startWorld(options);
  const ownPeople = createPeople(own);
  try {
    await play(own, ownPeople);
  } finally {
    ownPeople.closeAll();
    await own.stop();
  }
}

/** A WebSocket that counts how many were opened. */
function counted() {
  const sockets: WebSocket[] = [];
  class Counted extends WebSocket {
    constructor(url: string) {
      super(url);
      sockets.push(this);
    }
  }
  return { sockets, Counted };
}

test("what a client does about a close code is what the contract's table says", () => {
  for (const [reason, { code, reconnect }] of Object.entries(closeCodes)) {
    const plan = planOf(code, `${reason}: for some reason`);
    // A refused token is renewed once, and never used again.
    const expected = reason === "invalid_token" ? "replace" : reconnect;
    expect([reason, plan === "replace" ? plan : plan !== "stop"]).toEqual([reason, expected]);
  }
  expect(planOf(1006, "")).toBe("retry");
  expect(planOf(1001, "")).toBe("retry");
  expect(planOf(1009, "")).toBe("stop");
  expect(planOf(1008, "constructor")).toBe("stop");
});

test("pauses grow up to a limit, and half of each is left to chance", () => {
  const shortest = createPauses(timingDefaults, () => 0);
  const longest = createPauses(timingDefaults, () => 1);
  const tries = [0, 1, 2, 3, 10, 1_000];
  expect(tries.map((count) => shortest(count))).toEqual([250, 500, 1_000, 2_000, 15_000, 15_000]);
  expect(tries.map((count) => longest(count))).toEqual([500, 1_000, 2_000, 4_000, 30_000, 30_000]);
  expect([shortest(0, "renew"), shortest(0, "soon"), longest(0, "soon")]).toEqual([0, 0, 2_000]);
  expect([shortest(0, "later"), longest(0, "later"), longest(3, "later")]).toEqual([
    2_500, 5_000, 30_000,
  ]);
});

test("a restart of the server is got over, and what was written meanwhile arrives", async () => {
  const proxy = await startFaultProxy({ target: () => world.url });
  const ann = await people.signedIn({ url: proxy.url });
  const chat = await ann.api.createChat({ is_group: true });
  const room = ann.room(chat.id);
  await untilLive(room);
  const isLost = until(ann.connection, ({ state }) => state === "offline");
  const restarted = world.restart();
  expect((await isLost).reason).toBe("restart");
  expect(room.getSnapshot().state).toBe("offline");
  const { settled } = room.send("still here?");
  await restarted;
  expect(await settled).toMatchObject({ ok: true, seq: 1 });
  await untilLive(room);
  await until(ann.connection, ({ state, reason }) => state === "live" && reason === undefined);
  await proxy.stop();
});

test("a session that was ended elsewhere signs out, and stays so", async () => {
  const { sockets, Counted } = counted();
  const ann = people.open({ WebSocket: Counted });
  const input = { username: "ann", email: "ann@example.com", password: "correct horse" };
  await ann.session.register(input);
  const { body: tokens } = await world.call("POST", "/api/auth/login", input);
  await ann.session.use(tokens);
  const { id } = await ann.api.createChat({ is_group: true });
  await untilLive(ann.room(id));
  await world.call("POST", "/api/auth/logout", { refresh_token: tokens.refresh_token });
  const { state, reason } = await until(ann.connection, (now) => now.state === "offline");
  expect([state, reason]).toEqual(["offline", "revoked"]);
  expect(ann.session.getSnapshot()).toEqual({ signedIn: false, user: undefined });
  ann.connect();
  expect(ann.connection.getSnapshot()).toMatchObject({ state: "offline", retryAtMs: undefined });
  expect(sockets.length).toBe(1);
});

test("a refused token is renewed once; when that is refused too, nothing is tried any more", async () => {
  const person = await world.person();
  const bad = { ...tokensOf(person), access_token: "not.a.token" };
  const good = tokensOf(person);

  const lucky = counted();
  let asked = 0;
  const store = { load: () => held, save: (next: typeof held) => void (held = next) };
  let held: ReturnType<typeof hold> | null = hold(bad);
  const ann = people.open({
    WebSocket: lucky.Counted,
    tokens: store,
    renewTokens: async () => {
      asked += 1;
      return good;
    },
  });
  ann.connect();
  await until(ann.connection, ({ state }) => state === "live");
  expect([asked, lucky.sockets.length]).toEqual([1, 2]);

  const unlucky = counted();
  held = hold(bad);
  const ben = people.open({
    WebSocket: unlucky.Counted,
    tokens: store,
    renewTokens: async () => ({ ...bad, access_token: `still.not.one${(asked += 1)}` }),
  });
  ben.connect();
  const end = await until(ben.connection, (now) => now.state === "offline" && !now.retryAtMs);
  expect(end.reason).toBe("invalid_token");
  expect(unlucky.sockets.length).toBe(2);
  expect(ben.session.getSnapshot().signedIn).toBe(false);

  function hold(tokens: typeof bad) {
    return { ...tokens, expires_at_ms: Date.now() + 3_600_000 };
  }
});

longTest("a socket whose token has expired is replaced by one with new tokens", async () => {
  let now = Date.now();
  await inWorld({ now: () => new Date(now) }, async (world, people) => {
    const person = await world.person();
    const renewTokens = async () => ({
      ...tokensOf(person),
      access_token: await signAccessToken(world.ctx, person, person.sessionId),
    });
    const ann = await people.signedIn({ renewTokens }, person);
    await until(ann.connection, ({ state }) => state === "live");
    const isLost = until(ann.connection, ({ state }) => state === "offline");
    now += 3_600_000;
    expect((await isLost).reason).toBe("token_expired");
    await until(ann.connection, ({ state }) => state === "live");
    expect((await ann.session.me()).username).toBe(person.username);
  });
});

test("one socket too many waits until there is room", async () => {
  await inWorld({ env: { SOCKETS_PER_USER: "1" } }, async (_, people) => {
    const first = await people.signedIn();
    await until(first.connection, ({ state }) => state === "live");
    const second = await people.signedIn({}, first.person);
    const waiting = await until(second.connection, (now) => now.reason === "too_many_sockets");
    expect(waiting.state).not.toBe("live");
    first.close();
    await until(second.connection, ({ state }) => state === "live");
  });
});

test("who disconnects stays offline until they connect, and a closed client opens nothing", async () => {
  const { sockets, Counted } = counted();
  const ann = await people.signedIn({ WebSocket: Counted });
  await until(ann.connection, ({ state }) => state === "live");
  ann.disconnect();
  expect(ann.connection.getSnapshot()).toEqual({
    state: "offline",
    reason: "bye",
    retryAtMs: undefined,
  });
  ann.connect();
  await until(ann.connection, ({ state }) => state === "live");
  const chat = await ann.api.createChat({ is_group: true });
  const { settled } = ann.room(chat.id).send("Hello!");
  ann.close();
  expect(await settled).toMatchObject({ ok: false, problem: { code: "not_sent" } });
  ann.connect();
  expect(sockets.length).toBe(2);
  expect(ann.connection.getSnapshot().state).toBe("offline");
});

test("without a WebSocket a client says so at once", () => {
  const global = globalThis.WebSocket;
  try {
    Reflect.deleteProperty(globalThis, "WebSocket");
    expect(() => people.open()).toThrow("There is no WebSocket");
  } finally {
    globalThis.WebSocket = global;
  }
});
