// The session after signing in: refresh tokens, tickets, signing out, and the sockets in between.
import { beforeAll, describe, expect, test } from "bun:test";
import type { Tokens } from "../../src/wire/users.ts";
import { TestSocket } from "../world/socket.ts";
import { useWorld } from "../world/world.ts";
import { expectInvalid, expectProblem } from "../http/refusals.ts";

const world = useWorld();
const john = { username: "john_doe", password: "correct horse battery" };
beforeAll(async () => {
  await world.call("POST", "/api/auth/register", { ...john, email: "john@example.com" });
});

const tokenMembers = ["access_token", "token_type", "expires_in", "refresh_token"];

async function signIn(): Promise<Tokens> {
  const { body } = await world.call("POST", "/api/auth/login", john);
  return body;
}

const refresh = (refresh_token: unknown) =>
  world.call("POST", "/api/auth/refresh", { refresh_token });
const logout = (refresh_token: unknown) =>
  world.call("POST", "/api/auth/logout", { refresh_token });
const ticketFor = ({ access_token }: Tokens) =>
  world.call("POST", "/api/auth/ws-ticket", undefined, {
    authorization: `Bearer ${access_token}`,
  });

/** A socket that is open and known to be signed in. */
async function open(token: string): Promise<TestSocket> {
  const socket = new TestSocket(world.socketUrl(`?token=${token}`));
  await socket.opened;
  expect(await socket.ask({ type: "ping" })).toMatchObject({ type: "pong" });
  return socket;
}

async function expectClosed(socket: TestSocket, reason: string) {
  const closed = await socket.closed;
  expect(closed.code).toBe(1008);
  expect(closed.reason).toStartWith(reason);
}

/** Nothing of these tokens works any more. */
async function expectEnded(tokens: Tokens) {
  const authorization = `Bearer ${tokens.access_token}`;
  for (const path of ["/api/auth/me", "/api/chats", "/api/models"]) {
    const answer = await world.call("GET", path, undefined, { authorization });
    expectProblem(answer, 401, "invalid_token");
  }
  expectProblem(await refresh(tokens.refresh_token), 401, "invalid_token");
  expectProblem(await logout(tokens.refresh_token), 401, "invalid_token");
  expectProblem(await ticketFor(tokens), 401, "invalid_token");
  const late = new TestSocket(world.socketUrl(`?token=${tokens.access_token}`));
  await expectClosed(late, "invalid_token");
}

/** A token of the same session with another secret. */
function forged(refreshToken: string): string {
  return `${refreshToken.slice(0, 37)}${"A".repeat(43)}`;
}

/** Puts the last exchange of a session's refresh token a minute back. */
async function endGrace({ refresh_token }: { refresh_token: string }) {
  const sessionId = refresh_token.slice(0, 36);
  await world.sql`update sessions set last_used_at = now() - interval '61 s' where id = ${sessionId}`;
}

describe("refreshing", () => {
  test("gives the next tokens of the same sign-in", async () => {
    const first = await signIn();
    const { status, body: second, headers } = await refresh(first.refresh_token);
    expect(status).toBe(200);
    expect(Object.keys(second)).toEqual(tokenMembers);
    expect(second).toMatchObject({ token_type: "bearer", expires_in: 1_800 });
    expect(headers.get("cache-control")).toBe("no-store");
    expect(second.refresh_token).not.toBe(first.refresh_token);
    expect(second.access_token).not.toBe(first.access_token);
    const me = await world.call("GET", "/api/auth/me", undefined, {
      authorization: `Bearer ${second.access_token}`,
    });
    expect(me.body.username).toBe(john.username);
    expect((await refresh(second.refresh_token)).status).toBe(200);
  });

  test("with a token that was used a minute ago ends the whole family and its sockets, and no other", async () => {
    const stranger = await signIn();
    const strangers = await open(stranger.access_token);
    const first = await signIn();
    const sockets = [await open(first.access_token)];
    const { body: second } = await refresh(first.refresh_token);
    sockets.push(await open(second.access_token));
    await endGrace(first);

    expectProblem(await refresh(first.refresh_token), 401, "invalid_token");
    for (const socket of sockets) await expectClosed(socket, "revoked");
    await expectEnded(second);

    expect(await strangers.ask({ type: "ping" })).toMatchObject({ type: "pong" });
    expect((await refresh(stranger.refresh_token)).status).toBe(200);
    await strangers.close();
  });

  test("with one token twenty times at once gives all the same successor, which goes on", async () => {
    const { refresh_token, access_token } = await signIn();
    const socket = await open(access_token);
    const answers = await Promise.all(Array.from({ length: 20 }, () => refresh(refresh_token)));
    expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 200));
    const successors = new Set(answers.map(({ body }) => body.refresh_token));
    expect(successors.size).toBe(1);
    await socket.settle();
    const [successor = ""] = successors;
    const { status, body } = await refresh(successor);
    expect(status).toBe(200);
    expect((await refresh(body.refresh_token)).status).toBe(200);
    await socket.close();
  });

  test("once more within a minute, when the reply was lost, gives the same successor", async () => {
    const first = await signIn();
    const { body: lost } = await refresh(first.refresh_token);
    const { body: second } = await refresh(first.refresh_token);
    expect(second.refresh_token).toBe(lost.refresh_token);
    const authorization = `Bearer ${second.access_token}`;
    expect((await world.call("GET", "/api/auth/me", undefined, { authorization })).status).toBe(
      200,
    );
    expect((await refresh(second.refresh_token)).status).toBe(200);
  });

  test("with the token before the last one ends the family, however soon it comes", async () => {
    const first = await signIn();
    const { body: second } = await refresh(first.refresh_token);
    const { body: third } = await refresh(second.refresh_token);
    expectProblem(await refresh(first.refresh_token), 401, "invalid_token");
    await expectEnded(third);
  });

  test("of a thief and of the owner within the grace is noticed at the next exchange", async () => {
    const stolen = await signIn();
    const { body: owners } = await refresh(stolen.refresh_token);
    const { body: thiefs } = await refresh(stolen.refresh_token);
    const { body: next } = await refresh(owners.refresh_token);
    await endGrace(stolen);
    expectProblem(await refresh(thiefs.refresh_token), 401, "invalid_token");
    await expectEnded(next);
  });

  test("within the grace, but after signing out, is refused", async () => {
    const first = await signIn();
    const { body: second } = await refresh(first.refresh_token);
    expect((await logout(second.refresh_token)).status).toBe(200);
    expectProblem(await refresh(first.refresh_token), 401, "invalid_token");
  });

  test("with a guessed secret ends the family, too", async () => {
    const tokens = await signIn();
    const socket = await open(tokens.access_token);
    expectProblem(await refresh(forged(tokens.refresh_token)), 401, "invalid_token");
    await expectClosed(socket, "revoked");
    await expectEnded(tokens);
  });

  test("with a token that has expired is refused", async () => {
    const tokens = await signIn();
    const sessionId = tokens.refresh_token.slice(0, 36);
    await world.sql`update sessions set expires_at = now() where id = ${sessionId}`;
    await expectEnded(tokens);
  });

  test("keeps nothing in the database that could refresh", async () => {
    const { refresh_token } = await signIn();
    const rows = await world.sql`select to_jsonb(s) as row from sessions s`;
    const secret = refresh_token.slice(37);
    expect(rows.length).toBeGreaterThan(0);
    expect(JSON.stringify(rows)).not.toContain(secret);
    const hex = Buffer.from(secret).toString("hex");
    expect(JSON.stringify(rows)).not.toContain(hex);
    expect(JSON.stringify(rows)).not.toContain(Buffer.from(secret, "base64url").toString("hex"));
  });
});

describe("signing out", () => {
  test("ends the sign-in and closes its sockets, and no other's", async () => {
    const other = await open((await signIn()).access_token);
    const tokens = await signIn();
    const byToken = await open(tokens.access_token);
    const byTicket = await open((await ticketFor(tokens)).body.ticket);

    const { status, body } = await logout(tokens.refresh_token);
    expect(status).toBe(200);
    expect(body).toEqual({ message: expect.any(String) });
    await expectClosed(byToken, "revoked");
    await expectClosed(byTicket, "revoked");
    await expectEnded(tokens);
    expect(await other.ask({ type: "ping" })).toMatchObject({ type: "pong" });
    await other.close();
  });

  test("with the token before the present one ends the sign-in: the reply may have been lost", async () => {
    const first = await signIn();
    const { body: second } = await refresh(first.refresh_token);
    const socket = await open(second.access_token);
    expect((await logout(first.refresh_token)).status).toBe(200);
    await expectClosed(socket, "revoked");
    await expectEnded(second);
  });

  test("with an older token is refused, and ends the family all the same", async () => {
    const first = await signIn();
    const { body: second } = await refresh(first.refresh_token);
    const { body: third } = await refresh(second.refresh_token);
    const socket = await open(third.access_token);
    expectProblem(await logout(first.refresh_token), 401, "invalid_token");
    await expectClosed(socket, "revoked");
    await expectEnded(third);
  });

  test("with a ticket that was not used yet leaves it worthless", async () => {
    const tokens = await signIn();
    const { body } = await ticketFor(tokens);
    await logout(tokens.refresh_token);
    await expectClosed(new TestSocket(world.socketUrl(`?token=${body.ticket}`)), "invalid_token");
  });
});

describe.each([
  ["refresh", refresh],
  ["logout", logout],
])("%s refuses", (_, send) => {
  test.each<[what: string, token: unknown]>([
    ["no token", undefined],
    ["null", null],
    ["a number", 1],
    ["an empty text", ""],
    ["U+0000", "a\u0000b"],
    ["a lone surrogate", "a\ud800"],
    ["a text of 257 characters", "a".repeat(257)],
  ])("%s as invalid", async (_, token) => {
    expectInvalid(await send(token), "/refresh_token");
  });

  test("what is no refresh token of ours as not signed in", async () => {
    const { access_token } = await signIn();
    const tokens = ["nonsense", access_token.slice(0, 256), forged(crypto.randomUUID() + ".")];
    for (const token of tokens) expectProblem(await send(token), 401, "invalid_token");
  });
});

describe("a ticket", () => {
  test("opens one socket, once", async () => {
    const { status, body, headers } = await ticketFor(await signIn());
    expect(status).toBe(200);
    expect(Object.keys(body)).toEqual(["ticket", "expires_in"]);
    expect(body.expires_in).toBe(30);
    expect(headers.get("cache-control")).toBe("no-store");
    const socket = await open(body.ticket);
    const again = new TestSocket(world.socketUrl(`?token=${body.ticket}`));
    await expectClosed(again, "invalid_token");
    await socket.close();
  });

  test("opens nothing after its time", async () => {
    const { body } = await ticketFor(await signIn());
    await world.sql`update socket_tickets set expires_at = now()`;
    const late = new TestSocket(world.socketUrl(`?token=${body.ticket}`));
    await expectClosed(late, "token_expired");
    const again = new TestSocket(world.socketUrl(`?token=${body.ticket}`));
    await expectClosed(again, "invalid_token");
  });

  test("is no access token", async () => {
    const { body } = await ticketFor(await signIn());
    const authorization = `Bearer ${body.ticket}`;
    const answer = await world.call("GET", "/api/auth/me", undefined, { authorization });
    expectProblem(answer, 401, "invalid_token");
  });

  test("is given to nobody who isn't signed in", async () => {
    expectProblem(await world.call("POST", "/api/auth/ws-ticket"), 401, "invalid_token");
  });
});
