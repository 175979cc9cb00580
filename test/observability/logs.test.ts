import { expect, test } from "bun:test";
import { CapturedLog } from "../world/captured.ts";
import { TestSocket } from "../world/socket.ts";
import { useWorld, type World } from "../world/world.ts";
import { exchange } from "../http/raw.ts";
import { expectProblem } from "../http/refusals.ts";

const log = new CapturedLog();
const world = useWorld({ logTo: log, env: { LOG_LEVEL: "trace" } });

const call: World["call"] = (...request) => world.call(...request);

test("every request leaves one line, with its id, and what became of it", async () => {
  await call("GET", "/openapi.json?token=secret", undefined, { "x-request-id": "one-line" });
  await call("GET", "/nowhere", undefined, { "x-request-id": "nowhere" });
  await call("GET", "/api/chats", undefined, { "x-request-id": "nobody" });
  const line = await log.find({ requestId: "one-line" });
  expect(line).toEqual({
    level: 30,
    time: expect.stringMatching(/^\d{4}-.*Z$/),
    requestId: "one-line",
    method: "GET",
    path: "/openapi.json",
    from: "127.0.0.1",
    status: 200,
    ms: expect.any(Number),
    msg: "request",
  });
  expect(await log.find({ requestId: "nowhere" })).toMatchObject({ status: 404 });
  expect(await log.find({ requestId: "nobody" })).toMatchObject({ status: 401 });
  expect(log.lines.filter((each) => each.requestId === "one-line")).toHaveLength(1);
});

test("what machines ask every few seconds is no line for people", async () => {
  for (const path of ["/health", "/ready", "/metrics"]) {
    await call("GET", path, undefined, { "x-request-id": path.slice(1) });
    const { level } = await log.find({ requestId: path.slice(1) });
    // Without METRICS_TOKEN the last is a path like any other that isn't there.
    expect([path, level]).toEqual([path, path === "/metrics" ? 30 : 20]);
  }
});

test("no password and no token is ever written, to the log or the audit, whatever goes wrong", async () => {
  const secrets = new Set<string>();
  const password = "pass-word-7f3a";
  const wrong = "pass-wrong-9b1c";
  const changed = "pass-changed-4d2e";
  secrets.add(password).add(wrong).add(changed);
  const names = { username: "john_doe", email: "john@example.com" };
  await call("POST", "/api/auth/register", { ...names, password });
  await call("POST", "/api/auth/register", { ...names, password });
  await call("POST", "/api/auth/register", {
    ...names,
    email: "no",
    password: `${password}\u0000`,
  });
  await call("POST", "/api/auth/register", `not an object, but ${password}`);
  await call("POST", "/api/auth/login", { username: "john_doe", password: wrong });
  await call("POST", "/api/auth/login", { username: password, password });
  const { body: first } = await call("POST", "/api/auth/login", { username: "john_doe", password });
  const { body: second } = await call("POST", "/api/auth/refresh", {
    refresh_token: first.refresh_token,
  });
  const authorization = `Bearer ${second.access_token}`;
  const { body: ticket } = await call("POST", "/api/auth/ws-ticket", undefined, { authorization });
  for (const [current_password, new_password] of [
    [wrong, changed],
    [password, changed],
    [changed, password],
  ]) {
    const change = { current_password, new_password };
    await call("POST", "/api/auth/password", change, { authorization });
  }
  for (const tokens of [first, second]) {
    secrets.add(tokens.access_token).add(tokens.refresh_token);
    secrets.add(tokens.access_token.split(".")[2]).add(tokens.refresh_token.slice(37));
  }
  secrets.add(ticket.ticket);

  await call("GET", "/api/auth/me", undefined, { authorization });
  await call("GET", `/api/auth/me?token=${second.access_token}`);
  await call("GET", "/api/auth/me", undefined, { authorization: `${authorization}x` });
  await call("GET", `/ws?token=${second.access_token}`);
  const sockets = [
    new TestSocket(world.socketUrl(`?token=${second.access_token}`)),
    new TestSocket(world.socketUrl(`?token=${ticket.ticket}`)),
    new TestSocket(world.socketUrl()),
  ];
  for (const socket of sockets) await socket.opened;
  await sockets[2]?.ask({ type: "auth", token: second.access_token });
  await sockets[2]?.ask({ type: "auth", token: ticket.ticket });
  await sockets[2]?.ask({ type: "message", token: second.access_token, password });
  for (const socket of sockets) await socket.settle();

  // A bug, with its stack and all that the driver adds to it.
  await world.sql`alter table users rename to users_elsewhere`;
  const broken = { ...names, username: "jane_doe", password };
  expectProblem(await call("POST", "/api/auth/register", broken), 500, "internal");
  expectProblem(
    await call("POST", "/api/auth/login", { username: "john_doe", password }),
    500,
    "internal",
  );
  await world.sql`alter table users_elsewhere rename to users`;
  await world.sql`alter table sessions rename to sessions_elsewhere`;
  const broke = await call("POST", "/api/auth/refresh", { refresh_token: second.refresh_token });
  expectProblem(broke, 500, "internal");
  await world.sql`alter table sessions_elsewhere rename to sessions`;

  await call("POST", "/api/auth/logout", { refresh_token: first.refresh_token });
  await call("POST", "/api/auth/logout", { refresh_token: second.refresh_token });
  for (const socket of sockets) await socket.closed;

  await log.find({ path: "/api/auth/register", status: 500 });
  await log.find({ path: "/api/auth/logout" });
  const [row] = await world.sql`select hashed_password from users where username = 'john_doe'`;
  secrets.add(row?.hashed_password).add(world.ctx.config.secretKey);
  const events = await world.sql`select to_jsonb(e)::text as row from audit_events e order by id`;
  const audit = events.map((event) => event.row).join("\n");
  for (const action of ["register", "sign_in", "change_password", "sign_out"]) {
    expect(audit).toContain(`"action": "${action}"`);
  }
  for (const secret of secrets) {
    expect(log.text).not.toContain(secret);
    expect(audit).not.toContain(secret);
  }
});

test("a bug is told with nothing of it, and logged with its stack under the request's id", async () => {
  const ann = await world.person("ann");
  await world.sql`alter table chats rename to chats_elsewhere`;
  const answer = await call("GET", "/api/chats", undefined, {
    authorization: `Bearer ${ann.token}`,
    "x-request-id": "the-bug",
  });
  await world.sql`alter table chats_elsewhere rename to chats`;
  expectProblem(answer, 500, "internal");
  expect(JSON.stringify(answer.body)).not.toMatch(/relation|select|42P01|stack|\.ts/);
  const line = await log.find({ requestId: "the-bug", level: 50 });
  expect(line.err).toMatchObject({
    message: expect.stringContaining('relation "chats" does not exist'),
    stack: expect.stringContaining("queries.ts"),
  });
});

test("a client that goes away in the middle of its body is no error of the server's", async () => {
  const bodies = ["Content-Length: 100\r\n\r\n{", "Transfer-Encoding: chunked\r\n\r\n1\r\n{\r\n"];
  for (const [n, body] of bodies.entries()) {
    const whole = "GET /health HTTP/1.1\r\nHost: test\r\n\r\n";
    const id = `gone-${n}`;
    const head = "POST /api/chats HTTP/1.1\r\nHost: test\r\nContent-Type: application/json\r\n";
    // The first request is answered; the second never ends, and the connection is cut.
    await exchange(world.url, `${whole}${head}X-Request-Id: ${id}\r\n${body}`, "healthy");
    expect(await log.find({ requestId: id, msg: "request" })).toMatchObject({ status: 400 });
    expect(log.lines.filter((line) => line.requestId === id && line.level !== 30)).toEqual([]);
  }
});
