// How a socket opens: who it is, how many there may be, and from where.
import { describe, expect, test } from "bun:test";
import { TestSocket } from "../world/socket.ts";
import { forge } from "../world/tokens.ts";
import { startWorld, useWorld, type Person } from "../world/world.ts";

const world = useWorld({ env: { CORS_ORIGINS: "https://app.example.com" } });

const connect = (query = "", headers: Record<string, string> = {}) =>
  new TestSocket(world.socketUrl(query), headers);

async function open(query = "", headers: Record<string, string> = {}): Promise<TestSocket> {
  const socket = connect(query, headers);
  await socket.opened;
  return socket;
}

async function ticketOf(person: Person): Promise<string> {
  const { body } = await person.api("POST", "/api/auth/ws-ticket");
  return body.ticket;
}

function handshake(path = "/ws", headers: Record<string, string> = {}) {
  return world.call("GET", path, undefined, {
    upgrade: "websocket",
    connection: "Upgrade",
    "sec-websocket-version": "13",
    "sec-websocket-key": btoa("0123456789abcdef"),
    ...headers,
  });
}

describe("the token in the address", () => {
  test("an access token opens a socket", async () => {
    const person = await world.person();
    const socket = await open(`?token=${person.token}&frames=flat`);
    expect(await socket.ask({ type: "ping" })).toMatchObject({ type: "pong" });
  });

  test("a ticket opens one socket, and its second use is closed with 1008 invalid_token", async () => {
    const ticket = await ticketOf(await world.person());
    const first = await open(`?token=${ticket}`);
    expect(await first.ask({ type: "ping" })).toMatchObject({ type: "pong" });
    const { code, reason } = await connect(`?token=${ticket}`).closed;
    expect(code).toBe(1008);
    expect(reason).toStartWith("invalid_token");
    await first.settle();
  });

  test("two sockets that race with one ticket: exactly one lives", async () => {
    const ticket = await ticketOf(await world.person());
    const sockets = [connect(`?token=${ticket}`), connect(`?token=${ticket}`)];
    const outcomes = sockets.map((socket) =>
      Promise.race([
        socket.closed.then(({ code }) => code),
        socket.opened.then(() => socket.next("pong")).then(({ type }) => type),
      ]),
    );
    for (const socket of sockets) {
      await socket.opened;
      socket.send({ type: "ping" });
    }
    expect((await Promise.all(outcomes)).map(String).sort()).toEqual(["1008", "pong"]);
  });

  test("a ticket that has expired is closed with 1008 token_expired, so that a client gets another", async () => {
    const ticket = await ticketOf(await world.person());
    await world.sql`update socket_tickets set expires_at = now()`;
    expect((await connect(`?token=${ticket}`).closed).reason).toStartWith("token_expired");
  });

  test("an access token that has expired is closed with 1008 token_expired, also in an auth frame", async () => {
    const { id, username, sessionId } = await world.person();
    const now = Math.floor(Date.now() / 1000);
    const claims = { sub: String(id), name: username, sid: sessionId, jti: "1", iat: now - 60 };
    const ours = { ...claims, iss: "gemini-coop", aud: "gemini-coop" };
    const expired = await forge({ ...ours, exp: now - 1 }, world.ctx.config.secretKey);
    const byFrame = await open();
    byFrame.send({ type: "auth", token: expired });
    for (const socket of [connect(`?token=${expired}`), byFrame]) {
      const { code, reason } = await socket.closed;
      expect([code, reason.split(":")[0]]).toEqual([1008, "token_expired"]);
    }
    const another = await forge(
      { ...ours, exp: now - 1 },
      "another key, which is long enough for it",
    );
    expect((await connect(`?token=${another}`).closed).reason).toStartWith("invalid_token");
  });

  test("an access token of somebody else's session is closed with 1008 invalid_token", async () => {
    const [ann, ben] = [await world.person(), await world.person()];
    const now = Math.floor(Date.now() / 1000);
    const claims = {
      sub: String(ann.id),
      name: ann.username,
      sid: ben.sessionId,
      jti: "1",
      iat: now,
    };
    const ours = { ...claims, exp: now + 60, iss: "gemini-coop", aud: "gemini-coop" };
    const token = await forge(ours, world.ctx.config.secretKey);
    expect((await connect(`?token=${token}`).closed).reason).toStartWith("invalid_token");
    const byFrame = await open();
    byFrame.send({ type: "auth", token });
    expect((await byFrame.closed).reason).toStartWith("invalid_token");
    const signedIn = await open(`?token=${ann.token}`);
    expect(await signedIn.ask({ type: "auth", token })).toMatchObject({ type: "error" });
    const headers = { authorization: `Bearer ${token}` };
    for (const path of ["/api/auth/me", "/api/chats", "/api/auth/sessions"]) {
      expect((await world.call("GET", path, undefined, headers)).status).toBe(401);
    }
    expect((await world.call("POST", "/api/auth/ws-ticket", undefined, headers)).status).toBe(401);
  });

  test("what is no token of ours is closed with 1008 invalid_token, whatever it looks like", async () => {
    const { id, username, sessionId, token } = await world.person();
    const now = Math.floor(Date.now() / 1000);
    const claims = { sub: String(id), name: username, sid: sessionId, jti: "1", iat: now };
    const ours = { ...claims, exp: now + 60, iss: "gemini-coop", aud: "gemini-coop" };
    const unsigned = [{ alg: "none", typ: "JWT" }, ours]
      .map((part) => Buffer.from(JSON.stringify(part)).toString("base64url"))
      .join(".");
    const key = world.ctx.config.secretKey;
    const tokens = [
      "",
      "null",
      "a.b.c",
      "x".repeat(5_000),
      token.slice(0, -2),
      `${unsigned}.`,
      await forge(ours, "another key, which is long enough for anything"),
      await forge(ours, key, { alg: "HS512" }),
      await forge({ ...ours, aud: "another" }, key),
    ];
    for (const bad of tokens) {
      const { code, reason } = await connect(`?token=${encodeURIComponent(bad)}`).closed;
      expect([bad, code, reason.split(":")[0]]).toEqual([bad, 1008, "invalid_token"]);
    }
    // The one that was forged above, rightly signed: the others failed for what is wrong with them.
    await (await open(`?token=${await forge(ours, key)}`)).settle();
  });

  test("frames sent before the token was looked at wait for it", async () => {
    const person = await world.person();
    const chat = await person.chat();
    const socket = await open(`?token=${person.token}&frames=flat`);
    socket.send({ type: "join", chat_id: chat.id });
    expect(await socket.next("joined")).toMatchObject({ chat_id: chat.id });
  });
});

describe("the first frame", () => {
  test("an auth frame with an access token signs in, and what follows in the same breath is answered", async () => {
    const person = await world.person();
    const socket = await open();
    socket.send({ type: "auth", token: person.token, request_id: "a" });
    socket.send({ type: "ping", request_id: "b" });
    expect(await socket.next("pong")).toEqual({ type: "pong", request_id: "b" });
    expect(socket.frames[0]).toEqual({ type: "ack", request_id: "a" });
  });

  test("an auth frame without request_id is answered by nothing", async () => {
    const person = await world.person();
    const socket = await open();
    socket.send({ type: "auth", token: person.token });
    socket.send({ type: "ping" });
    await socket.next("pong");
    expect(socket.frames.length).toBe(1);
  });

  test("an auth frame takes a ticket too, once", async () => {
    const ticket = await ticketOf(await world.person());
    const first = await open();
    expect(await first.ask({ type: "auth", token: ticket })).toMatchObject({ type: "ack" });
    const second = await open();
    second.send({ type: "auth", token: ticket });
    expect(await second.closed).toMatchObject({ code: 1008 });
  });

  test("an auth frame with a bad token closes the socket with 1008 invalid_token", async () => {
    const socket = await open();
    socket.send({ type: "auth", token: "a.b.c" });
    const { code, reason } = await socket.closed;
    expect(code).toBe(1008);
    expect(reason).toStartWith("invalid_token");
  });

  test("any other first frame closes the socket with 1008 invalid_token, and is not done", async () => {
    const person = await world.person();
    const chat = await person.chat();
    const socket = await open();
    socket.send({ type: "message", chat_id: chat.id, content: "let me in" });
    socket.send({ type: "auth", token: person.token });
    const { code, reason } = await socket.closed;
    expect(code).toBe(1008);
    expect(reason).toStartWith("invalid_token");
    expect((await person.api("GET", `/api/chats/${chat.id}/messages`)).body).toEqual([]);
  });
});

describe("limits", () => {
  test("a person's socket above SOCKETS_PER_USER is closed with 1013, and one that closes makes room", async () => {
    const small = await startWorld({ env: { SOCKETS_PER_USER: "2" } });
    const person = await small.person();
    const other = await small.person();
    const [first] = [await person.socket(), await person.socket()];
    const { code, reason } = await new TestSocket(
      small.socketUrl(`?token=${person.token}&frames=flat`),
    ).closed;
    expect(code).toBe(1013);
    expect(reason).toStartWith("too_many_sockets");
    await other.socket();
    await first.close();
    await (await person.socket()).settle();
    await small.stop();
  });

  test("an address's socket above SOCKETS_PER_ADDRESS is closed with 1013, signed in or not", async () => {
    const small = await startWorld({ env: { SOCKETS_PER_ADDRESS: "2" } });
    const person = await small.person();
    const other = await small.person();
    const first = await person.socket();
    const nobody = new TestSocket(small.socketUrl());
    await nobody.opened;
    for (const query of ["", `?token=${other.token}`]) {
      const { code, reason } = await new TestSocket(small.socketUrl(query)).closed;
      expect(code).toBe(1013);
      expect(reason).toStartWith("too_many_sockets");
    }
    await first.settle();
    await nobody.close();
    await (await other.socket()).settle();
    await small.stop();
  });
});

describe("the handshake", () => {
  test("a page of an origin in CORS_ORIGINS may connect, so may this server's own and a client that is no page", async () => {
    const { token } = await world.person();
    for (const origin of ["https://app.example.com", world.url]) {
      await (await open(`?token=${token}`, { origin })).settle();
    }
    await (await open(`?token=${token}`)).settle();
  });

  test("a page of any other origin gets a 403 problem", async () => {
    const { token } = await world.person();
    const origins = [
      "https://evil.example.com",
      "http://app.example.com",
      "https://app.example.com.evil.org",
      "https://app.example.com:8443",
      "null",
      "",
    ];
    for (const origin of origins) {
      const { status, headers, body } = await handshake(`/ws?token=${token}`, { origin });
      expect([origin, status]).toEqual([origin, 403]);
      expect(headers.get("content-type")).toBe("application/problem+json");
      expect(body).toMatchObject({ type: "/problems/origin_not_allowed", instance: "/ws" });
    }
    await expect(open(`?token=${token}`, { origin: "https://evil.org" })).rejects.toThrow();
  });

  test("with CORS_ORIGINS=* a page of any origin may connect", async () => {
    const public_ = await startWorld({ env: { CORS_ORIGINS: "*" } });
    const { token } = await public_.person();
    const headers = { origin: "https://anybody.example.org" };
    const socket = new TestSocket(public_.socketUrl(`?token=${token}`), headers);
    await socket.opened;
    await socket.settle();
    await public_.stop();
  });

  test("plain HTTP gets a 400 problem", async () => {
    const { token } = await world.person();
    const { status, headers, body } = await world.call("GET", `/ws?token=${token}`);
    expect(status).toBe(400);
    expect(headers.get("content-type")).toBe("application/problem+json");
    expect(body).toMatchObject({ type: "/problems/bad_request", status: 400, instance: "/ws" });
    expect(body.detail).toBeString();
  });

  test("a handshake that is none of RFC 6455 gets a 400 problem", async () => {
    const { status, body } = await handshake("/ws", { "sec-websocket-key": "" });
    expect(status).toBe(400);
    expect(body).toMatchObject({ type: "/problems/bad_request" });
  });
});
