import { expect, test } from "bun:test";
import { version } from "../../package.json";
import { startWorld, useWorld } from "../world/world.ts";
import { expectProblem } from "./refusals.ts";

const world = useWorld();

const notReady = (database: string) => ({
  status: "not_ready",
  version,
  dependencies: { database, model: "scripted" },
});

test("/health says exactly that the process lives", async () => {
  const { status, body } = await world.call("GET", "/health");
  expect(status).toBe(200);
  expect(body).toEqual({ status: "healthy" });
});

test("/ready says that the server can work, and with what", async () => {
  const { status, body } = await world.call("GET", "/ready");
  expect(status).toBe(200);
  expect(Object.keys(body)).toEqual(["status", "version", "dependencies"]);
  expect(body).toEqual({ ...notReady("up"), status: "ready" });
});

test("/ready is 503 from the moment the server goes down, while /health is not", async () => {
  world.ctx.lifecycle.closing = true;
  try {
    const ready = await world.call("GET", "/ready");
    expect(ready.status).toBe(503);
    expect(ready.body).toEqual(notReady("up"));
    expect((await world.call("GET", "/health")).status).toBe(200);
  } finally {
    world.ctx.lifecycle.closing = false;
  }
});

test("without its database the server lives, is not ready, and asks to come back later", async () => {
  const alone = await startWorld();
  try {
    const ann = await alone.person("ann");
    await alone.sql.end();
    expect((await alone.call("GET", "/health")).body).toEqual({ status: "healthy" });
    const ready = await alone.call("GET", "/ready");
    expect(ready.status).toBe(503);
    expect(ready.body).toEqual(notReady("down"));
    for (const [method, path, body] of [
      ["GET", "/api/chats", undefined],
      ["GET", "/api/auth/me", undefined],
      ["POST", "/api/chats", { name: "x" }],
      ["POST", "/api/chats/1/messages", { content: "x" }],
      ["POST", "/api/auth/login", { username: "ann", password: "password" }],
    ] as const) {
      const answer = await ann.api(method, path, body);
      expectProblem(answer, 503, "unavailable");
      expect(answer.headers.get("retry-after")).toMatch(/^[1-9]\d*$/);
    }
    // Requests that need no database are answered all the same.
    expectProblem(await alone.call("GET", "/api/chats"), 401, "invalid_token");
    expectProblem(await alone.call("GET", "/nowhere"), 404, "not_found");
  } finally {
    await alone.stop();
  }
});
