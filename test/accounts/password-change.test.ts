// Changing one's password: who is out afterwards, and what is refused.
import { expect, test } from "bun:test";
import { TestSocket } from "../world/socket.ts";
import { useWorld } from "../world/world.ts";
import { expectInvalid, expectProblem } from "../http/refusals.ts";

const password = "correct horse battery";
const next = "  another horse battery ";
const world = useWorld();
let people = 0;

async function register() {
  people += 1;
  const username = `changer${people}`;
  const email = `${username}@example.com`;
  const { body } = await world.call("POST", "/api/auth/register", { username, email, password });
  return { id: Number(body.id), username };
}

const login = (username: string, typed: string) =>
  world.call("POST", "/api/auth/login", { username, password: typed });

async function signIn(username: string) {
  const { body } = await login(username, password);
  const authorization = `Bearer ${body.access_token}`;
  const api = (method: string, path: string, body?: unknown) =>
    world.call(method, path, body, { authorization });
  return {
    ...body,
    api,
    change: (current_password: unknown, new_password: unknown) =>
      api("POST", "/api/auth/password", { current_password, new_password }),
    async socket() {
      const socket = new TestSocket(world.socketUrl(`?token=${body.access_token}`));
      await socket.opened;
      await socket.settle();
      return socket;
    },
  };
}

test("ends all other sessions and their sockets, keeps the present one, and only the new password signs in", async () => {
  const { username } = await register();
  const [thief, present] = [await signIn(username), await signIn(username)];
  const stranger = await signIn((await register()).username);
  const [thiefs, own] = [await thief.socket(), await present.socket()];

  const { status, body, headers } = await present.change(password, next);
  expect({ status, body }).toEqual({ status: 200, body: { message: expect.any(String) } });
  expect(headers.get("cache-control")).toBe("no-store");
  expect(await thiefs.closed).toMatchObject({
    code: 1008,
    reason: expect.stringMatching(/^revoked/),
  });
  expectProblem(await thief.api("GET", "/api/auth/me"), 401, "invalid_token");
  const { refresh_token } = thief;
  const refreshed = await world.call("POST", "/api/auth/refresh", { refresh_token });
  expectProblem(refreshed, 401, "invalid_token");

  await own.settle();
  await own.close();
  for (const session of [present, stranger]) {
    expect((await session.api("GET", "/api/auth/me")).status).toBe(200);
  }
  const again = await world.call("POST", "/api/auth/refresh", {
    refresh_token: present.refresh_token,
  });
  expect(again.status).toBe(200);

  expectProblem(await login(username, password), 401, "invalid_credentials");
  expectProblem(await login(username, next.trim()), 401, "invalid_credentials");
  expect((await login(username, next)).status).toBe(200);
  const [row] = await world.sql`select hashed_password from users where username = ${username}`;
  expect(row?.hashed_password).toStartWith("$argon2id$v=19$m=8,t=1,p=1$");
});

test("is refused with a wrong current password, and changes nothing then", async () => {
  const { username } = await register();
  const [other, present] = [await signIn(username), await signIn(username)];
  for (const wrong of ["not the password", ` ${password}`, password.toUpperCase()]) {
    expectProblem(await present.change(wrong, next), 403, "wrong_password");
  }
  for (const session of [other, present]) {
    expect((await session.api("GET", "/api/auth/me")).status).toBe(200);
  }
  expect((await login(username, password)).status).toBe(200);
});

test("has the rules of registering for the new one", async () => {
  const present = await signIn((await register()).username);
  for (const bad of [
    "seven77",
    "a".repeat(257),
    "password\u0000",
    "password\ud83d",
    12345678,
    null,
  ]) {
    expectInvalid(await present.change(password, bad), "/new_password");
  }
  for (const bad of ["", "a".repeat(257), "\u0000", undefined]) {
    expectInvalid(await present.change(bad, next), "/current_password");
  }
  expectInvalid(await present.change(undefined, "short"), "/current_password", "/new_password");
  expect((await present.change(password, "😀".repeat(8))).status).toBe(200);
});

test("at the same moment from two sessions has one winner, whose session stays", async () => {
  const { username } = await register();
  const sessions = [await signIn(username), await signIn(username)];
  const answers = await Promise.all(
    sessions.map((session, n) => session.change(password, `${next}${n}`)),
  );
  const winner = answers.findIndex(({ status }) => status === 200);
  const loser = answers[1 - winner];
  if (!loser) throw new Error("nobody has won");
  // It may come too late for its own session.
  expect([401, 403]).toContain(loser.status);
  expect((await sessions[winner]?.api("GET", "/api/auth/me"))?.status).toBe(200);
  expect((await sessions[1 - winner]?.api("GET", "/api/auth/me"))?.status).toBe(401);
  expect((await login(username, `${next}${winner}`)).status).toBe(200);
  expectProblem(await login(username, `${next}${1 - winner}`), 401, "invalid_credentials");
});

test("a sign-in that was verifying the old password meanwhile begins no session", async () => {
  const { id, username } = await register();
  const transaction = await world.sql.reserve();
  await transaction`begin`;
  await transaction`update users set hashed_password = 'changed' where id = ${id}`;
  const late = login(username, password);
  await world.untilBlocked();
  await transaction`commit`;
  transaction.release();
  expectProblem(await late, 401, "invalid_credentials");
  expect(await world.sql`select id from sessions where user_id = ${id}`).toHaveLength(0);
});

test("a sign-in with the old password that is stored while the change waits for it is ended, too", async () => {
  const { id, username } = await register();
  const present = await signIn(username);
  const transaction = await world.sql.reserve();
  await transaction`begin`;
  await transaction`select id from users where id = ${id} for share`;
  const change = present.change(password, next);
  await world.untilBlocked();
  await transaction`
    insert into sessions (user_id, refresh_token_hash, expires_at)
    values (${id}, 'x', now() + interval '1 hour')
  `;
  await transaction`commit`;
  transaction.release();
  expect((await change).status).toBe(200);
  const rows = await world.sql`select id from sessions where user_id = ${id}`;
  expect(rows.map((row) => row.id)).toEqual([present.refresh_token.slice(0, 36)]);
});
