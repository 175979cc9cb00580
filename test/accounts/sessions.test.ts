// A person's own sessions: which there are, ending them, and what a change of the password does to them.
import { beforeAll, describe, expect } from "bun:test";
import type { RunningServer } from "../../src/server.ts";
import type { Session, Tokens } from "../../src/wire/users.ts";
import { TestSocket } from "../world/socket.ts";
import { useWorld } from "../world/world.ts";
import { expectInvalid, expectProblem, time } from "../http/refusals.ts";
import { longTest, test } from "../world/long.ts";

const password = "correct horse battery";
const next = "another horse battery";
const world = useWorld();
let other: RunningServer;
let people = 0;
beforeAll(() => {
  other = world.startAnother();
});

const login = (username: string, typed = password, agent = "test") =>
  world.call(
    "POST",
    "/api/auth/login",
    { username, password: typed },
    { "user-agent": agent, "x-forwarded-for": "203.0.113.9" },
  );

/** Somebody who is registered, and signs in as often as needed. */
async function register() {
  people += 1;
  const username = `holder${people}`;
  const email = `${username}@example.com`;
  const { body } = await world.call("POST", "/api/auth/register", { username, email, password });
  return { id: Number(body.id), username };
}

/** A session of somebody, and what its tokens are good for. */
async function signIn(username: string, agent?: string) {
  const { status, body } = await login(username, password, agent);
  if (status !== 200) throw new Error(JSON.stringify(body));
  const tokens: Tokens = body;
  const api = (method: string, path: string, body?: unknown) =>
    world.call(method, path, body, {
      authorization: `Bearer ${tokens.access_token}`,
      "user-agent": "another",
    });
  return {
    ...tokens,
    id: tokens.refresh_token.slice(0, 36),
    api,
    refresh: () => world.call("POST", "/api/auth/refresh", { refresh_token: tokens.refresh_token }),
    list: async (): Promise<Session[]> => (await api("GET", "/api/auth/sessions")).body,
    async socket(url = world.url) {
      const address = `${url.replace("http", "ws")}/ws?token=${tokens.access_token}`;
      const socket = new TestSocket(address);
      await socket.opened;
      await socket.settle();
      return socket;
    },
  };
}

type SignedIn = Awaited<ReturnType<typeof signIn>>;

async function expectLive(session: SignedIn) {
  expect((await session.api("GET", "/api/auth/me")).status).toBe(200);
}

/** Nothing of it works any more, over whatever. */
async function expectEnded(session: SignedIn) {
  for (const [method, path, body] of [
    ["GET", "/api/auth/me"],
    ["GET", "/api/chats"],
    ["POST", "/api/chats", { name: "late" }],
    ["GET", "/api/models"],
    ["POST", "/api/auth/ws-ticket"],
    ["GET", "/api/auth/sessions"],
    ["DELETE", "/api/auth/sessions"],
    ["POST", "/api/auth/password", { current_password: password, new_password: next }],
  ] as const) {
    const answer = await session.api(method, path, body);
    expectProblem(answer, 401, "invalid_token");
    expect(answer.body.detail).toContain("session has ended");
  }
  expectProblem(await session.refresh(), 401, "invalid_token");
}

async function expectRevoked(socket: TestSocket) {
  const { code, reason } = await socket.closed;
  expect([code, reason.split(":")[0]]).toEqual([1008, "revoked"]);
}

describe("listing", () => {
  test("shows one's own sessions, the last used first, and which is the present one", async () => {
    const { username } = await register();
    const first = await signIn(username, "Firefox");
    const second = await signIn(username, "curl/8");
    await signIn((await register()).username);
    const answer = await first.api("GET", "/api/auth/sessions");
    expect(answer.status).toBe(200);
    expect(answer.headers.get("cache-control")).toBe("no-store");
    const common = { created_at: time, last_used_at: time, expires_at: time, address: "127.0.0.1" };
    expect(answer.body).toEqual([
      { ...common, id: second.id, current: false, user_agent: "curl/8" },
      { ...common, id: first.id, current: true, user_agent: "Firefox" },
    ]);
    const [newest, oldest] = answer.body;
    expect(newest.last_used_at).toBe(newest.created_at);

    await first.refresh();
    const after = await second.list();
    expect(after.map(({ id, current }) => [id, current])).toEqual([
      [first.id, false],
      [second.id, true],
    ]);
    expect(after[0]?.created_at).toBe(oldest.created_at);
    expect((after[0]?.last_used_at ?? "") > oldest.last_used_at).toBe(true);
    expect(after[0]?.user_agent).not.toBe("Firefox");
  });

  test("shows 256 characters of what a client calls itself, and nothing where it says nothing", async () => {
    const { username } = await register();
    const long = await signIn(username, "é".repeat(1_000));
    const silent = await signIn(username, "");
    const shown = new Map((await silent.list()).map(({ id, user_agent }) => [id, user_agent]));
    expect(shown.get(long.id)?.length).toBe(256);
    expect(shown.get(silent.id)).toBeNull();
  });

  test("leaves out what has expired", async () => {
    const { username } = await register();
    const [old, present] = [await signIn(username), await signIn(username)];
    await world.sql`update sessions set expires_at = now() where id = ${old.id}`;
    expect((await present.list()).map(({ id }) => id)).toEqual([present.id]);
    await expectEnded(old);
  });

  test("never shows more than 100: one more sign-in ends the one that was used longest ago, and its sockets", async () => {
    const { id, username } = await register();
    const oldest = await signIn(username);
    await world.sql`
      update sessions set last_used_at = now() - interval '2 hours' where id = ${oldest.id}
    `;
    await world.sql`
      insert into sessions (user_id, refresh_token_hash, expires_at, last_used_at)
      select ${id}, 'x', now() + interval '1 hour', now() - n * interval '1 minute'
      from generate_series(1, 99) n
    `;
    const stranger = await signIn((await register()).username);
    const socket = await oldest.socket();
    const present = await signIn(username);
    await expectRevoked(socket);
    await expectEnded(oldest);
    await expectLive(stranger);
    const listed = await present.list();
    expect(listed).toHaveLength(100);
    expect(listed[0]?.id).toBe(present.id);
    const rows = await world.sql`select id from sessions where user_id = ${id}`;
    expect(rows).toHaveLength(100);
  });
});

describe("ending", () => {
  test("one closes its sockets at once, its access token is good for nothing, and the others go on", async () => {
    const { username } = await register();
    const [lost, present] = [await signIn(username), await signIn(username)];
    const sockets = [await lost.socket(), await lost.socket()];
    const kept = await present.socket();
    const { status, body } = await present.api("DELETE", `/api/auth/sessions/${lost.id}`);
    expect(status).toBe(200);
    expect(body).toEqual({ message: expect.any(String) });
    for (const socket of sockets) await expectRevoked(socket);
    await expectEnded(lost);
    await kept.settle();
    expect((await present.list()).map(({ id }) => id)).toEqual([present.id]);
    await kept.close();
  });

  test("the present one is signing out", async () => {
    const session = await signIn((await register()).username);
    const socket = await session.socket();
    expect((await session.api("DELETE", `/api/auth/sessions/${session.id}`)).status).toBe(200);
    await expectRevoked(socket);
    await expectEnded(session);
  });

  test("somebody else's, one that has ended, and one that never was are the same 404", async () => {
    const { username } = await register();
    const [ended, present] = [await signIn(username), await signIn(username)];
    await present.api("DELETE", `/api/auth/sessions/${ended.id}`);
    const stranger = await signIn((await register()).username);
    const details = [];
    for (const id of [stranger.id, ended.id, crypto.randomUUID()]) {
      const answer = await present.api("DELETE", `/api/auth/sessions/${id}`);
      expectProblem(answer, 404, "not_found");
      details.push(answer.body.detail);
    }
    expect(new Set(details).size).toBe(1);
    await expectLive(stranger);
    for (const id of ["1", "all", `${present.id}x`, "%00"]) {
      expectInvalid(await present.api("DELETE", `/api/auth/sessions/${id}`), "/session_id");
    }
    await expectLive(present);
  });

  test("all others leaves the present one alone, and everybody else's", async () => {
    const { username } = await register();
    const [one, two] = [await signIn(username), await signIn(username)];
    const [present, stranger] = [await signIn(username), await signIn((await register()).username)];
    const sockets = [await one.socket(), await two.socket()];
    const { status, body } = await present.api("DELETE", "/api/auth/sessions");
    expect({ status, message: body.message }).toEqual({
      status: 200,
      message: expect.stringContaining("2"),
    });
    for (const socket of sockets) await expectRevoked(socket);
    for (const session of [one, two]) await expectEnded(session);
    for (const session of [present, stranger]) await expectLive(session);
    expect((await present.api("DELETE", "/api/auth/sessions")).body.message).toContain("0");
  });

  longTest(
    "on one server closes the sockets on another within some seconds, and its token is refused there at once",
    async () => {
      const { username } = await register();
      const [lost, present] = [await signIn(username), await signIn(username)];
      const [elsewhere, kept] = [await lost.socket(other.url), await present.socket(other.url)];
      await present.api("DELETE", `/api/auth/sessions/${lost.id}`);
      const answer = await fetch(`${other.url}/api/auth/me`, {
        headers: { authorization: `Bearer ${lost.access_token}` },
      });
      expect(answer.status).toBe(401);
      await expectRevoked(elsewhere);
      await kept.settle();
      await kept.close();
    },
  );

  test("and nobody without a token can do or see any of it", async () => {
    for (const [method, path] of [
      ["GET", "/api/auth/sessions"],
      ["DELETE", "/api/auth/sessions"],
      ["DELETE", `/api/auth/sessions/${crypto.randomUUID()}`],
      ["POST", "/api/auth/password"],
    ] as const) {
      expectProblem(await world.call(method, path), 401, "invalid_token");
    }
  });
});
