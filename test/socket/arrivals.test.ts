// Sockets that come at once are opened a few at a time.
import { describe, expect, test } from "bun:test";
import type { Ctx } from "../../src/context.ts";
import { Arrivals } from "../../src/socket/arrivals.ts";
import { createDirectUpgrade, SocketUpgrade } from "../../src/socket/upgrade.ts";
import { appToDescribe } from "../world/contract.ts";
import { TestSocket } from "../world/socket.ts";
import { useWorld, type World } from "../world/world.ts";

/** As long as promises that are settled need at most. */
const promisesSettle = () => Bun.sleep(0);

describe("of those that arrive", () => {
  /** Notes who has entered, in their order. */
  function arrive(arrivals: Arrivals, names: string[]) {
    const entered: string[] = [];
    const leave = new Map<string, () => void>();
    const come = async (name: string) => {
      leave.set(name, await arrivals.enter());
      entered.push(name);
    };
    for (const name of names) void come(name);
    return { entered, leave: (name: string) => leave.get(name)?.(), come };
  }

  test("as many enter at once as may, and each that leaves lets in the one that has waited longest", async () => {
    const { entered, leave } = arrive(new Arrivals({ runningMax: 2 }), ["a", "b", "c", "d", "e"]);
    await promisesSettle();
    expect(entered).toEqual(["a", "b"]);
    leave("b");
    await promisesSettle();
    expect(entered).toEqual(["a", "b", "c"]);
    leave("a");
    leave("c");
    await promisesSettle();
    expect(entered).toEqual(["a", "b", "c", "d", "e"]);
  });

  test("one that leaves twice lets in one", async () => {
    const { entered, leave } = arrive(new Arrivals({ runningMax: 1 }), ["a", "b", "c"]);
    await promisesSettle();
    leave("a");
    leave("a");
    await promisesSettle();
    expect(entered).toEqual(["a", "b"]);
  });

  test("those that come when all have left enter at once", async () => {
    const { entered, leave, come } = arrive(new Arrivals({ runningMax: 1 }), ["a", "b"]);
    await promisesSettle();
    leave("a");
    await promisesSettle();
    leave("b");
    void come("c");
    await promisesSettle();
    expect(entered).toEqual(["a", "b", "c"]);
  });

  test("one that comes while another is let in does not enter as well", async () => {
    const { entered, leave, come } = arrive(new Arrivals({ runningMax: 1 }), ["a", "b"]);
    await promisesSettle();
    leave("a");
    void come("c");
    await promisesSettle();
    expect(entered).toEqual(["a", "b"]);
  });

  test("one that takes too long lets the next one in", async () => {
    const arrivals = new Arrivals({ runningMax: 1, runningMs: 1 });
    await arrivals.enter();
    await arrivals.enter();
  });

  test("as many wait as may", () => {
    const arrivals = new Arrivals({ runningMax: 1, waitingMax: 2 });
    void arrivals.enter();
    const full = [0, 1].map(() => {
      void arrivals.enter();
      return arrivals.isFull;
    });
    expect(full).toEqual([false, true]);
  });
});

// No socket lets the next one in because it takes too long.
const durations = { signInMs: 600_000 };

function open(world: World, query: string, count: number): TestSocket[] {
  return Array.from({ length: count }, () => new TestSocket(world.socketUrl(query)));
}

const settled = (sockets: TestSocket[]) => Promise.all(sockets.map(({ opened }) => opened));

/** A frame is answered once the socket has signed in. */
async function signedIn(socket: TestSocket): Promise<void> {
  socket.send({ type: "ping" });
  await socket.next("pong");
}

describe("a server", () => {
  const world = useWorld({ durations });

  test("opens all sockets, whatever becomes of those before them", async () => {
    const people = await Promise.all([0, 1, 2, 3].map((n) => world.person(`guest${n}`)));
    await settled(open(world, "", 40));
    await settled(open(world, "?token=wrong", 40));
    const refused = open(world, "?token=twice&token=twice", 40);
    await Promise.allSettled(refused.map(({ opened }) => opened));
    const welcome = people.map(({ token }) => open(world, `?token=${token}&frames=flat`, 10));
    await settled(welcome.flat());
    const gone = open(world, "?token=gone", 20);
    for (const { ws } of gone) ws.terminate();
    await Promise.all(gone.map(({ closed }) => closed));
    await settled(open(world, "", 40));
  });

  /** Asks for a socket as a client would, of a server whose sockets are never opened. */
  async function ask(ctx: Ctx, arrivals?: Arrivals): Promise<Response | undefined> {
    const headers = { upgrade: "websocket", "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ==" };
    const request = new Request(`${world.url}/ws`, { headers });
    const server = {
      requestIP: () => ({ address: "127.0.0.1" }),
      upgrade: () => expect.unreachable("it must not be upgraded"),
    };
    const app = appToDescribe();
    const upgradeDirectly = createDirectUpgrade(ctx, new SocketUpgrade(ctx, arrivals));
    return await upgradeDirectly(request, server, (socketRefusal) =>
      app.fetch(request, { server, socketRefusal }),
    );
  }

  test("refuses a socket when too many wait", async () => {
    const response = await ask(world.ctx, new Arrivals({ waitingMax: 0 }));
    expect(response?.status).toBe(503);
    expect(response?.headers.get("retry-after")).toBe("2");
    expect(await response?.json()).toMatchObject({ type: "/problems/unavailable" });
  });

  test("opens no socket when it begins to shut down while the limits are asked for", async () => {
    const lifecycle = { closing: false };
    const rateLimits: Ctx["rateLimits"] = {
      ...world.ctx.rateLimits,
      take: async (...asked) => {
        lifecycle.closing = true;
        return await world.ctx.rateLimits.take(...asked);
      },
    };
    const response = await ask({ ...world.ctx, lifecycle, rateLimits });
    expect(response?.ok).toBe(false);
  });
});

// Its world is of its own: a socket of another test that still signs in would take the turn of one of these.
describe("a server where as many sockets sign in as may", () => {
  const world = useWorld({ durations });
  const openedAtOnce = 32;

  /** Opens as many sockets as may sign in at a time, which wait for a lock, and one more, which waits for its turn. */
  async function openTooMany(name: string) {
    const people = await Promise.all([0, 1, 2, 3].map((n) => world.person(`${name}${n}`)));
    const release = Promise.withResolvers<void>();
    const locked = Promise.withResolvers<void>();
    const lock = world.sql.begin(async (sql) => {
      await sql`lock table sessions in access exclusive mode`;
      locked.resolve();
      await release.promise;
    });
    await locked.promise;
    const signingIn = people.flatMap(({ token }) =>
      open(world, `?token=${token}&frames=flat`, openedAtOnce / 4),
    );
    await settled(signingIn);
    const late = new TestSocket(world.socketUrl());
    for (let n = 0; n < 5; n += 1) expect((await world.call("GET", "/health")).status).toBe(200);
    expect(late.ws.readyState).toBe(WebSocket.CONNECTING);
    const unlock = async () => {
      release.resolve();
      await lock;
    };
    return { signingIn, late, unlock };
  }

  test("opens no further one while as many sign in as may, until one of them is gone, and answers requests meanwhile", async () => {
    const { signingIn, late, unlock } = await openTooMany("waiter");
    signingIn.pop()?.ws.terminate();
    await late.opened;
    await unlock();
    await Promise.all(signingIn.map(signedIn));
  });

  test("refuses those that wait when it shuts down", async () => {
    const { signingIn, late, unlock } = await openTooMany("loser");
    world.ctx.lifecycle.closing = true;
    try {
      signingIn[0]?.ws.terminate();
      await expect(late.opened).rejects.toThrow("closed with 1006");
    } finally {
      world.ctx.lifecycle.closing = false;
      await unlock();
    }
  });
});
