// How often one may ask, invite and register over HTTP, and what every answer tells of it.
import { afterEach, describe, expect, setSystemTime, test } from "bun:test";
import { ConfigError, readConfig } from "../../src/config/config.ts";
import { rates } from "../../src/rate-limits/limits.ts";
import { startWorld, useWorld, type Answer, type Person } from "../world/world.ts";
import { expectProblem } from "../http/refusals.ts";

const { requests, invites, registrations } = rates;

const world = useWorld({ env: { RATE_LIMITS: "memory", TRUSTED_PROXIES: "127.0.0.1" } });
afterEach(() => void setSystemTime());

let addresses = 0;
/** An address that nobody has used before. */
function someAddress(): string {
  addresses += 1;
  return `203.0.113.${addresses}`;
}

function ask(
  address: string,
  path: string,
  more: { as?: Person; method?: string; body?: unknown } = {},
) {
  const { as, method = "GET", body } = more;
  return world.call(method, path, body, {
    "x-forwarded-for": address,
    ...(as ? { authorization: `Bearer ${as.token}` } : {}),
  });
}

/** A header's items, by policy. */
function itemsOf(answer: Answer, name: string): Record<string, string> {
  const items = answer.headers.get(name)?.split(", ") ?? [];
  return Object.fromEntries(
    items.map((item) => {
      const [, policy = "", rest = ""] = /^"([\w-]+)";(.+)$/.exec(item) ?? [];
      return [policy, rest];
    }),
  );
}

const use = (userId: number | undefined, network: string | undefined, points: number) =>
  world.ctx.rateLimits.take("requests", { userId, network }, points);

function expectRefused(answer: Answer, windowSeconds: number) {
  expectProblem(answer, 429, "rate_limited");
  const seconds = Number(answer.headers.get("retry-after"));
  expect(seconds).toBeGreaterThan(0);
  expect(seconds).toBeLessThanOrEqual(windowSeconds);
  return seconds;
}

describe("every answer of the API", () => {
  test("says what is counted, of the person and of the address, and how much is left", async () => {
    const [ann, address] = [await world.person("ann"), someAddress()];
    await ask(address, "/api/chats");
    const answer = await ask(address, "/api/chats", { as: ann });
    expect(itemsOf(answer, "ratelimit-policy")).toEqual({
      "requests-person": `q=${requests.person.quota};w=${requests.person.windowSeconds}`,
      "requests-address": `q=${requests.address.quota};w=${requests.address.windowSeconds}`,
    });
    expect(itemsOf(answer, "ratelimit")).toEqual({
      "requests-person": expect.stringMatching(new RegExp(`^r=${requests.person.quota - 1};t=60$`)),
      "requests-address": expect.stringMatching(
        new RegExp(`^r=${requests.address.quota - 2};t=(60|59)$`),
      ),
    });
  });

  test.each<[what: string, path: string, method: string, body: unknown, status: number]>([
    ["a refusal", "/api/chats", "GET", undefined, 401],
    ["a path that is not there", "/api/nothing", "GET", undefined, 404],
    ["a body that is none", "/api/auth/login", "POST", "nothing", 422],
  ])("says so, %s too", async (_, path, method, body, status) => {
    const answer = await ask(someAddress(), path, { method, body });
    expect(answer.status).toBe(status);
    expect(Object.keys(itemsOf(answer, "ratelimit"))).toEqual(["requests-address"]);
  });

  test("and nothing else is counted", async () => {
    for (const path of ["/health", "/ready", "/docs", "/openapi.json", "/", "/nowhere"]) {
      expect((await ask(someAddress(), path)).headers.get("ratelimit")).toBeNull();
    }
  });
});

describe("too many requests", () => {
  test("of a person are refused until the window ends, and others behind the address go on", async () => {
    const [ann, ben] = [await world.person("ann"), await world.person("ben")];
    const address = someAddress();
    await use(ann.id, undefined, requests.person.quota - 1);
    expect((await ask(address, "/api/chats", { as: ann })).status).toBe(200);
    const refused = await ask(address, "/api/chats", { as: ann });
    const seconds = expectRefused(refused, requests.person.windowSeconds);
    expect(itemsOf(refused, "ratelimit")).toEqual({ "requests-person": `r=0;t=${seconds}` });
    expect(refused.headers.get("access-control-expose-headers")).toContain("RateLimit");
    // From elsewhere it is the same person; and another one pays nothing for what was refused.
    expectRefused(await ask(someAddress(), "/api/chats", { as: ann }), 60);
    const bens = await ask(address, "/api/chats", { as: ben });
    expect(bens.status).toBe(200);
    expect(itemsOf(bens, "ratelimit")["requests-address"]).toStartWith(
      `r=${requests.address.quota - 2};`,
    );
    setSystemTime(Date.now() + seconds * 1000);
    expect((await ask(address, "/api/chats", { as: ann })).status).toBe(200);
  });

  test("of an address are refused to all behind it, whatever they ask and whoever they say they are", async () => {
    const [ann, address] = [await world.person("ann"), someAddress()];
    await use(undefined, address, requests.address.quota);
    const answers = [
      await ask(address, "/api/chats"),
      await ask(address, "/api/chats", { as: ann }),
      await ask(address, "/api/auth/login", { method: "POST", body: "no JSON object" }),
      await ask(address, "/api/nothing"),
      await ask(`198.51.100.1, ${address}`, "/api/chats"),
    ];
    for (const answer of answers) expectRefused(answer, requests.address.windowSeconds);
    expect((await ask(address, "/health")).status).toBe(200);
    expect((await ask(someAddress(), "/api/chats", { as: ann })).status).toBe(200);
  });

  test("of one IPv6 network count as those of one address", async () => {
    await use(undefined, "2001:db8:0:7::/64", requests.address.quota);
    expectRefused(await ask("2001:db8:0:7:1:2:3:4", "/api/chats"), 60);
    expect((await ask("2001:db8:0:8::1", "/api/chats")).status).toBe(401);
  });

  test("are not hidden by X-Forwarded-For where no proxy is trusted", async () => {
    const direct = await startWorld({ env: { RATE_LIMITS: "memory" } });
    try {
      await direct.ctx.rateLimits.take(
        "requests",
        { network: "127.0.0.1" },
        requests.address.quota,
      );
      const headers = { "x-forwarded-for": someAddress() };
      expectRefused(await direct.call("GET", "/api/chats", undefined, headers), 60);
    } finally {
      await direct.stop();
    }
  });
});

async function countOf(table: "users" | "chats"): Promise<number> {
  const [row] = await world.sql`select count(*)::int as count from ${world.sql(table)}`;
  return row?.count;
}

describe("too many", () => {
  test("people who are invited are refused, one by one or with a new chat, and nothing is changed", async () => {
    const [ann, ben] = [await world.person("ann"), await world.person("ben")];
    const chat = await ann.chat({ with: [ben] });
    await world.ctx.rateLimits.take("invites", { userId: ann.id }, invites.person.quota - 3);
    const two = [ben.username, (await world.person("cat")).username];
    const body = { is_group: true, participant_usernames: two };
    expect((await ann.api("POST", "/api/chats", body)).status).toBe(200);
    const before = await countOf("chats");
    expectRefused(await ann.api("POST", "/api/chats", body), invites.person.windowSeconds);
    const invite = `/api/chats/${chat.id}/invite`;
    expectRefused(await ann.api("POST", invite, { username: two[1] }), 3_600);
    expect(await countOf("chats")).toBe(before);
    expect((await ann.api("GET", `/api/chats/${chat.id}/participants`)).body).toHaveLength(2);
    // A chat without anybody invites nobody.
    expect((await ann.api("POST", "/api/chats", { is_group: true })).status).toBe(200);
    const own = await ben.chat();
    const bens = await ben.api("POST", `/api/chats/${own.id}/invite`, { username: ann.username });
    expect(bens.status).toBe(200);
    expect(itemsOf(bens, "ratelimit")["invites-person"]).toStartWith(
      `r=${invites.person.quota - 1};`,
    );
  });

  test("registrations from an address are refused without a question to the database", async () => {
    const address = someAddress();
    const register = (from: string, username: string) =>
      ask(from, "/api/auth/register", {
        method: "POST",
        body: { username, email: `${username}@example.com`, password: "correct horse" },
      });
    await world.ctx.rateLimits.take(
      "registrations",
      { network: address },
      registrations.address.quota - 1,
    );
    const last = await register(address, "last_one");
    expect(last.status).toBe(200);
    expect(itemsOf(last, "ratelimit")["registrations-address"]).toStartWith("r=0;");
    await world.sql.begin(async (sql) => {
      await sql`lock table users in access exclusive mode`;
      expectRefused(await register(address, "one_more"), registrations.address.windowSeconds);
    });
    expect((await register(someAddress(), "one_more")).status).toBe(200);
  });
});

describe("RATE_LIMITS", () => {
  test("off counts nothing, and tells nothing", async () => {
    const free = await startWorld();
    try {
      const doer = { userId: 1, network: "127.0.0.1" };
      const verdict = await free.ctx.rateLimits.take("requests", doer, 1_000_000);
      expect(verdict).toEqual({ counts: [], refusal: undefined });
      const { headers } = await free.call("GET", "/api/chats");
      expect(headers.get("ratelimit")).toBeNull();
      expect(headers.get("ratelimit-policy")).toBeNull();
    } finally {
      await free.stop();
    }
  });

  test("on counts as a server does where it is not set", () => {
    for (const [env, store] of [
      [{}, "memory"],
      [{ NATS_URL: "nats://127.0.0.1" }, "postgres"],
    ] as const) {
      expect(readConfig(env).rates.store).toBe(store);
      expect(readConfig({ ...env, RATE_LIMITS: "on" }).rates.store).toBe(store);
    }
  });

  test("cannot be off in production, and is memory where it is not set", () => {
    const production = { NODE_ENV: "production", DATABASE_URL: "postgres://localhost/x" };
    const env = { ...production, SECRET_KEY: "kJ8vN2xQ7mR4tY6wZ1aB3cD5eF9gH0iLkJ8v" };
    expect(readConfig(env).rates.store).toBe("memory");
    expect(() => readConfig({ ...env, RATE_LIMITS: "off" })).toThrow(
      /a fault:\n {2}- RATE_LIMITS: must not be off in production/,
    );
    expect(() => readConfig({ RATE_LIMITS: "none" })).toThrow(ConfigError);
  });

  test("multiplies its quotas by the factors of a person and of an address", async () => {
    const env = { RATE_LIMITS: "memory", RATE_USER_FACTOR: "2", RATE_ADDRESS_FACTOR: "3" };
    const wide = await startWorld({ env });
    try {
      const answer = await (await wide.person()).api("GET", "/api/chats");
      expect(itemsOf(answer, "ratelimit-policy")).toEqual({
        "requests-person": `q=${requests.person.quota * 2};w=60`,
        "requests-address": `q=${requests.address.quota * 3};w=60`,
      });
    } finally {
      await wide.stop();
    }
  });
});
