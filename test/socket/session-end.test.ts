// A socket lives as long as the session behind it: expiry, renewal, signing out.
import { describe, expect, test } from "bun:test";
import { TestSocket } from "../world/socket.ts";
import { useWorld } from "../world/world.ts";

const password = "correct horse battery";
const secondMs = 1_000;

let aheadMs = 0;
let people = 0;
const world = useWorld({ now: () => new Date(Date.now() + aheadMs) });

/** Does what the server does every second, without the wait. */
function pass(ms: number) {
  aheadMs += ms;
  world.sockets.checkSessions(world.ctx.now().getTime());
}

/** Somebody with the tokens of a real sign-in. */
async function signedIn() {
  people += 1;
  const username = `sleeper${people}`;
  await register(username);
  return { username, ...(await signIn(username)) };
}

async function register(username: string) {
  const email = `${username}@example.com`;
  await world.call("POST", "/api/auth/register", { username, email, password });
}

async function signIn(username: string): Promise<{ access_token: string; refresh_token: string }> {
  const { body } = await world.call("POST", "/api/auth/login", { username, password });
  return body;
}

async function newTicket(): Promise<string> {
  const { body } = await (await world.person()).api("POST", "/api/auth/ws-ticket");
  return body.ticket;
}

async function open(token: string): Promise<TestSocket> {
  const socket = new TestSocket(world.socketUrl(`?token=${token}`));
  await socket.opened;
  await socket.settle();
  return socket;
}

describe("no auth frame", () => {
  test("a socket without a token that sends no auth frame within 5 s is closed with 1008, others are not", async () => {
    const person = await world.person();
    const signed = await person.socket();
    const silent = new TestSocket(world.socketUrl());
    await silent.opened;
    aheadMs += 5 * secondMs;
    const { code, reason } = await silent.closed;
    expect(code).toBe(1008);
    expect(reason).toStartWith("invalid_token");
    await signed.settle();
  });

  test("a token that takes long to look at is not held against its socket", async () => {
    const [first, second] = [await newTicket(), await newTicket()];
    const gate = Promise.withResolvers<void>();
    const locked = Promise.withResolvers<void>();
    const lock = world.sql.begin(async (sql) => {
      await sql`lock table sessions in access exclusive mode`;
      locked.resolve();
      await gate.promise;
    });
    await locked.promise;
    const inAddress = new TestSocket(world.socketUrl(`?token=${first}`));
    const inFrame = new TestSocket(world.socketUrl());
    await Promise.all([inAddress.opened, inFrame.opened]);
    inFrame.send({ type: "auth", token: second });
    inAddress.send({ type: "ping" });
    inFrame.send({ type: "ping" });
    const silent = new TestSocket(world.socketUrl());
    await silent.opened;
    pass(6 * secondMs);
    await silent.closed;
    gate.resolve();
    await lock;
    await Promise.all([inAddress.next("pong"), inFrame.next("pong")]);
  });
});

describe("expiry", () => {
  test("a socket ends with 1008 token_expired when its token does", async () => {
    const person = await world.person();
    const socket = await person.socket();
    aheadMs += world.config.accessTokenTtlSeconds * secondMs;
    const { code, reason } = await socket.closed;
    expect(code).toBe(1008);
    expect(reason).toStartWith("token_expired");
  });

  test("an auth frame before that renews it", async () => {
    const person = await signedIn();
    const witness = await (await world.person()).socket();
    const socket = await open(person.access_token);
    pass((world.config.accessTokenTtlSeconds / 2) * secondMs);
    const { access_token } = await signIn(person.username);
    expect(await socket.ask({ type: "auth", token: access_token })).toMatchObject({ type: "ack" });
    pass((world.config.accessTokenTtlSeconds / 2) * secondMs);
    // Its first token is as old as the socket's.
    await witness.closed;
    await socket.settle();
    pass((world.config.accessTokenTtlSeconds / 2) * secondMs);
    expect((await socket.closed).reason).toStartWith("token_expired");
  });

  test("a ticket renews it too", async () => {
    const person = await world.person();
    const witness = await (await world.person()).socket();
    const socket = await person.socket();
    pass((world.config.accessTokenTtlSeconds / 2) * secondMs);
    const { body } = await person.api("POST", "/api/auth/ws-ticket");
    expect(await socket.ask({ type: "auth", token: body.ticket })).toMatchObject({ type: "ack" });
    pass((world.config.accessTokenTtlSeconds / 2) * secondMs);
    await witness.closed;
    await socket.settle();
  });

  test("a renewal with a bad token, or with somebody else's, is refused and the socket stays its own person's", async () => {
    const person = await world.person();
    const other = await world.person();
    const chat = await person.chat();
    const socket = await person.joined(chat.id);
    for (const token of ["a.b.c", "no-ticket", other.token]) {
      expect(await socket.ask({ type: "auth", token })).toMatchObject({
        type: "error",
        code: "invalid_token",
      });
    }
    socket.send({ type: "message", chat_id: chat.id, content: "it is me" });
    expect(await socket.next("message")).toMatchObject({ user_id: person.id });
  });

  test("a refused renewal does not keep the socket alive", async () => {
    const person = await world.person();
    const socket = await person.socket();
    pass((world.config.accessTokenTtlSeconds / 2) * secondMs);
    const other = await world.person();
    await socket.ask({ type: "auth", token: other.token });
    pass((world.config.accessTokenTtlSeconds / 2) * secondMs);
    expect((await socket.closed).reason).toStartWith("token_expired");
  });
});

describe("the end of a session", () => {
  test("signing out closes every socket of that session with 1008 revoked, and no other", async () => {
    const person = await signedIn();
    const elsewhere = await open((await signIn(person.username)).access_token);
    const sockets = [await open(person.access_token), await open(person.access_token)];
    const { status } = await world.call("POST", "/api/auth/logout", {
      refresh_token: person.refresh_token,
    });
    expect(status).toBe(200);
    for (const socket of sockets) {
      const { code, reason } = await socket.closed;
      expect(code).toBe(1008);
      expect(reason).toStartWith("revoked");
    }
    await elsewhere.settle();
  });

  test("a refresh token used again after a minute closes the sockets of its session with 1008 revoked", async () => {
    const { access_token, refresh_token } = await signedIn();
    const socket = await open(access_token);
    const first = await world.call("POST", "/api/auth/refresh", { refresh_token });
    expect(first.status).toBe(200);
    await socket.settle();
    await world.sql`update sessions set last_used_at = now() - interval '61 s'`;
    const second = await world.call("POST", "/api/auth/refresh", { refresh_token });
    expect(second.status).toBe(401);
    const { code, reason } = await socket.closed;
    expect(code).toBe(1008);
    expect(reason).toStartWith("revoked");
  });

  test("a socket that was renewed by another session ends with that one", async () => {
    const person = await signedIn();
    const renewed = await signIn(person.username);
    const socket = await open(person.access_token);
    await socket.ask({ type: "auth", token: renewed.access_token });
    await world.call("POST", "/api/auth/logout", { refresh_token: person.refresh_token });
    await socket.settle();
    await world.call("POST", "/api/auth/logout", { refresh_token: renewed.refresh_token });
    expect((await socket.closed).reason).toStartWith("revoked");
  });

  test("the access token and the ticket of a session that has ended open no socket and renew none", async () => {
    const person = await signedIn();
    const other = await signIn(person.username);
    const auth = { authorization: `Bearer ${person.access_token}` };
    const { body } = await world.call("POST", "/api/auth/ws-ticket", {}, auth);
    await world.call("POST", "/api/auth/logout", { refresh_token: person.refresh_token });
    for (const token of [person.access_token, body.ticket]) {
      const { code, reason } = await new TestSocket(world.socketUrl(`?token=${token}`)).closed;
      expect(code).toBe(1008);
      expect(reason).toStartWith("invalid_token");
    }
    const socket = await open(other.access_token);
    const renewal = await socket.ask({ type: "auth", token: person.access_token });
    expect(renewal).toMatchObject({ type: "error", code: "invalid_token" });
    expect((await world.call("POST", "/api/auth/ws-ticket", {}, auth)).status).toBe(401);
  });
});
