import { beforeAll, describe, expect, test } from "bun:test";
import { RecentSessions } from "../../src/accounts/recent-sessions.ts";
import { expectProblem } from "../http/refusals.ts";
import { useWorld } from "../world/world.ts";
import type { Person } from "../world/person.ts";

let passedMs = 0;
const world = useWorld({ now: () => new Date(Date.now() + passedMs) });
let ann: Person;
beforeAll(async () => {
  ann = await world.person("ann");
});

const endElsewhere = (person: Person) =>
  world.sql`delete from sessions where id = ${person.sessionId}`;

describe("a session that another server has ended", () => {
  test("is refused once a second has passed since its last request", async () => {
    expect((await ann.api("GET", "/api/auth/me")).status).toBe(200);
    await endElsewhere(ann);
    passedMs += 1_000;
    expectProblem(await ann.api("GET", "/api/auth/me"), 401, "invalid_token");
  });

  test("is refused at once if it has made no request within the last second", async () => {
    const ben = await world.person("ben");
    passedMs += 1_000;
    await endElsewhere(ben);
    expectProblem(await ben.api("GET", "/api/chats"), 401, "invalid_token");
  });
});

test("a token that was verified before is refused once it has expired", async () => {
  const cem = await world.person("cem");
  expect((await cem.api("GET", "/api/auth/me")).status).toBe(200);
  passedMs += world.config.accessTokenTtlSeconds * 1_000;
  const answer = await cem.api("GET", "/api/auth/me");
  expectProblem(answer, 401, "invalid_token");
  expect(answer.body.detail).toContain("expired");
});

describe("recent sessions", () => {
  test("are live for less than a second, and not before they were looked up", () => {
    const sessions = new RecentSessions();
    sessions.rememberLive("a", 5_000);
    expect([4_999, 5_000, 5_999, 6_000].map((ms) => sessions.isLive("a", ms))).toEqual([
      false,
      true,
      true,
      false,
    ]);
    expect(sessions.isLive("b", 5_000)).toBe(false);
  });

  test("are forgotten when they end", () => {
    const sessions = new RecentSessions();
    sessions.rememberLive("a", 5_000);
    sessions.forgetLive("a");
    expect(sessions.isLive("a", 5_000)).toBe(false);
  });

  test("are 10,000 at most, and the oldest goes first", () => {
    const sessions = new RecentSessions();
    const identity = { id: 1, username: "ann", sessionId: "a", expiresAtMs: 0 };
    for (let n = 0; n <= 10_000; n += 1) {
      sessions.rememberLive(`session ${n}`, 5_000);
      sessions.rememberIdentity(`token ${n}`, identity);
    }
    expect(sessions.isLive("session 0", 5_000)).toBe(false);
    expect(sessions.isLive("session 1", 5_000)).toBe(true);
    expect(sessions.findIdentity("token 0")).toBeUndefined();
    expect(sessions.findIdentity("token 10000")).toBe(identity);
  });
});
