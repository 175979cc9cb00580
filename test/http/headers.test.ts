// Headers of every response: request ids and CORS. Responses that belong to no feature.
import { describe, expect, test } from "bun:test";
import { readConfig } from "../../src/config/config.ts";
import { startWorld, useWorld, type Answer } from "../world/world.ts";
import { converse, request } from "./raw.ts";
import { expectProblem } from "./refusals.ts";

const world = useWorld();

type Headers = Record<string, string>;

const ask = (method: string, path: string, headers: Headers = {}, body?: string) =>
  request(world.url + path, { method, headers, body, redirect: "manual" });

const json = { "content-type": "application/json" };
/** One of each kind of answer. */
const kinds: [what: string, ask: (headers: Headers) => Promise<Answer>, status: number][] = [
  ["a success", (headers) => ask("GET", "/health", headers), 200],
  ["the documents", (headers) => ask("GET", "/openapi.json", headers), 200],
  ["the documentation", (headers) => ask("GET", "/docs", headers), 200],
  ["the page", (headers) => ask("GET", "/", headers), 200],
  ["HEAD", (headers) => ask("HEAD", "/health", headers), 200],
  ["400", (headers) => ask("POST", "/api/auth/login", { ...headers, ...json }, "{"), 400],
  ["401", (headers) => ask("GET", "/api/chats", headers), 401],
  ["404", (headers) => ask("GET", "/nowhere", headers), 404],
  [
    "413",
    (headers) => ask("POST", "/api/chats", { ...headers, ...json }, " ".repeat(300_000)),
    413,
  ],
  ["415", (headers) => ask("POST", "/api/chats", headers, "x"), 415],
  ["422", (headers) => ask("POST", "/api/auth/login", { ...headers, ...json }, "{}"), 422],
];
const preflight = (headers: Headers) =>
  ask("OPTIONS", "/api/chats", { "access-control-request-method": "POST", ...headers });

describe("X-Request-Id", () => {
  test.each(kinds)("is on %s: the client's own, or a new one", async (_, send, status) => {
    const own = await send({ "x-request-id": "0a1-Client_id=7" });
    expect(own.status).toBe(status);
    expect(own.headers.get("x-request-id")).toBe("0a1-Client_id=7");
    const ids = [await send({}), await send({})].map(({ headers }) => headers.get("x-request-id"));
    for (const id of ids) expect(id).toMatch(/^[0-9a-f-]{36}$/);
    expect(ids[0]).not.toBe(ids[1]);
  });

  test("is on a preflight, too", async () => {
    const answer = await preflight({ origin: "http://localhost:3000", "x-request-id": "flight" });
    expect(answer.headers.get("x-request-id")).toBe("flight");
  });

  test.each([
    ["a".repeat(128)],
    ["abc-123.DEF_4"],
    ["Root=1-67891233-abcdef012345678912345678"],
    ["dXNlcg+/a=="],
    ["00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"],
    ["proxy/17:a@b"],
    ["."],
  ])("keeps the client's own %j", async (id) => {
    const { headers } = await ask("GET", "/health", { "x-request-id": id });
    expect(headers.get("x-request-id")).toBe(id);
  });

  test.each([
    ["a b"],
    ["<script>"],
    ['"quoted"'],
    ["{json}"],
    ["a\tb"],
    ["ä"],
    ["a".repeat(129)],
    ["a,b"],
    ["a;b"],
    ["a%0d"],
    ["a\\\\b"],
    [""],
  ])("is a new one where the client's is %j", async (id) => {
    const { headers } = await ask("GET", "/health", { "x-request-id": id });
    expect(headers.get("x-request-id")).toMatch(/^[0-9a-f-]{36}$/);
  });
});

const allowedBy = (answer: Answer) => answer.headers.get("access-control-allow-origin");

/** As a browser reads it: a list of names in any case. */
function listed(answer: Answer, name: string): string[] {
  const names = answer.headers.get(name)?.toLowerCase().split(",") ?? [];
  return names.map((each) => each.trim()).toSorted();
}

describe("CORS", () => {
  const ours = "http://localhost:3000";

  test.each(kinds)("lets a page of ours read %s", async (_, send, status) => {
    for (const origin of [ours, "http://localhost:3001"]) {
      const answer = await send({ origin });
      expect(answer.status).toBe(status);
      expect(allowedBy(answer)).toBe(origin);
      expect(answer.headers.get("access-control-allow-credentials")).toBe("true");
      expect(listed(answer, "access-control-expose-headers")).toEqual([
        "accept-ranges",
        "content-disposition",
        "content-range",
        "etag",
        "link",
        "ratelimit",
        "ratelimit-policy",
        "retry-after",
        "upload-offset",
        "x-request-id",
      ]);
      expect(listed(answer, "vary")).toContain("origin");
    }
  });

  test.each(kinds)("lets no other page read %s", async (_, send, status) => {
    for (const origin of ["http://localhost:3002", "https://localhost:3000", "null"]) {
      const answer = await send({ origin });
      expect(answer.status).toBe(status);
      expect(allowedBy(answer)).toBeNull();
      expect(listed(answer, "vary")).toContain("origin");
    }
  });

  test("allows a page of ours what the API needs, and no more", async () => {
    const answer = await preflight({
      origin: ours,
      "access-control-request-headers": "authorization,content-type,x-other",
    });
    expect(answer.status).toBe(204);
    expect(answer.body).toBe("");
    expect(allowedBy(answer)).toBe(ours);
    expect(answer.headers.get("access-control-allow-credentials")).toBe("true");
    expect(listed(answer, "access-control-allow-methods")).toEqual([
      "delete",
      "get",
      "patch",
      "post",
      "put",
    ]);
    expect(listed(answer, "access-control-allow-headers")).toEqual([
      "authorization",
      "content-type",
      "x-request-id",
    ]);
    expect(Number(answer.headers.get("access-control-max-age"))).toBeGreaterThan(0);
  });

  test.each([
    ["http://localhost"],
    ["http://localhost:30000"],
    ["http://localhost:3000.example.com"],
    ["http://localhost:3000/"],
    ["HTTP://LOCALHOST:3000"],
    ["https://example.com"],
    ["null"],
    ["*"],
  ])("allows a page of %s nothing", async (origin) => {
    expect(allowedBy(await preflight({ origin }))).toBeNull();
  });

  test("follows CORS_ORIGINS, and then the default no longer", async () => {
    const origins = ["https://chat.example.com", "https://b.example.com:8443"];
    const other = await startWorld({ env: { CORS_ORIGINS: origins.join(", ") } });
    try {
      const of = (origin: string) => request(`${other.url}/health`, { headers: { origin } });
      for (const origin of origins) expect(allowedBy(await of(origin))).toBe(origin);
      for (const origin of [ours, "https://b.example.com", "http://chat.example.com"]) {
        expect(allowedBy(await of(origin))).toBeNull();
      }
    } finally {
      await other.stop();
    }
  });

  test.each(["null", "file://", "http://localhost:3000,null", "localhost:3000"])(
    "cannot be told to believe %j",
    (list) => {
      expect(() => readConfig({ CORS_ORIGINS: list })).toThrow(/CORS_ORIGINS: has .* no origin/);
    },
  );

  test("lets every page read where CORS_ORIGINS is *, but with no cookies", async () => {
    const open = await startWorld({ env: { CORS_ORIGINS: "*" } });
    try {
      const headers = { origin: "https://anybody.example.com" };
      for (const path of ["/health", "/nowhere"]) {
        const answer = await request(open.url + path, { headers });
        expect(allowedBy(answer)).toBe("*");
        expect(answer.headers.get("access-control-allow-credentials")).toBeNull();
      }
    } finally {
      await open.stop();
    }
  });
});

describe("what is not there", () => {
  test.each([
    ["GET", "/nowhere"],
    ["GET", "/api"],
    ["GET", "/api/chats/1/nothing"],
    ["GET", "/API/CHATS"],
    ["GET", "/api/%E0%A4%A"],
    ["GET", "/docs/assets/package.json"],
    ["GET", "/docs/assets/..%2f..%2fpackage.json"],
    ["POST", "/api/nothing"],
    ["PUT", "/api/nothing"],
    ["GET", "/api/chats/7/8"],
  ])("%s %s is 404", async (method, path) => {
    const answer = await ask(method, path);
    expectProblem(answer, 404, "not_found");
    expect(answer.body.detail).toContain(method);
    expect(answer.body.instance).toBe(path);
  });
});

describe("a method that a path does not have", () => {
  test.each([
    ["PUT", "/api/chats", "GET, HEAD, POST"],
    ["DELETE", "/api/chats", "GET, HEAD, POST"],
    ["PUT", "/api/auth/me", "DELETE, GET, HEAD, PATCH"],
    ["GET", "/api/auth/login", "POST"],
    ["HEAD", "/api/auth/login", "POST"],
    ["POST", "/health", "GET, HEAD"],
    ["POST", "/openapi.json", "GET, HEAD"],
    ["POST", "/", "GET, HEAD"],
    ["POST", "/ws", "GET, HEAD"],
    ["PUT", "/api/chats/1", "DELETE, GET, HEAD, PATCH"],
    ["PUT", "/api/chats/1/messages/2/stop", "POST"],
    ["DELETE", "/docs/assets/docs.css", "GET, HEAD"],
  ])("is refused on %s %s with 405 and the methods %s", async (method, path, allow) => {
    const answer = await ask(method, path);
    expect(answer.status).toBe(405);
    expect(answer.headers.get("allow")).toBe(allow);
    if (method === "HEAD") return;
    expectProblem(answer, 405, "method_not_allowed");
    expect(answer.body.detail).toContain(method);
  });
});

describe("HEAD", () => {
  test.each([
    ["/health", {}, 200],
    ["/docs", {}, 200],
    ["/", {}, 200],
    ["/openapi.json", {}, 200],
    ["/favicon.ico", {}, 200],
    ["/api/chats", {}, 401],
    ["/nowhere", {}, 404],
    ["/api/auth/login", {}, 405],
  ])(
    "of %s answers as GET does, with the length of a body that is not sent",
    async (path, headers, status) => {
      const head = await ask("HEAD", path, headers);
      const get = await ask("GET", path, headers);
      expect([head.status, get.status]).toEqual([status, status]);
      expect(head.body).toBe("");
      const same = ["content-length", "content-type", "www-authenticate"];
      for (const name of [...same, "access-control-expose-headers"]) {
        expect(head.headers.get(name)).toBe(get.headers.get(name));
      }
      expect(Number(head.headers.get("content-length"))).toBeGreaterThan(0);
    },
  );
});

describe("a slash at the end of a path", () => {
  test("is ignored on the GET and POST paths of the FastAPI server, behind the same authentication", async () => {
    const ann = await world.person("ann");
    const ben = await world.person("ben");
    const opened = await ann.api("POST", "/api/chats/", { name: "Slashes", is_group: true });
    expect(opened.status).toBe(200);
    const chat = `/api/chats/${opened.body.id}`;
    const invited = await ann.api("POST", `${chat}/invite/`, { username: ben.username });
    expect(invited.status).toBe(200);
    expect((await ann.api("POST", `${chat}/mark-read/`)).status).toBe(200);
    for (const path of [
      "/api/auth/me/",
      `${chat}/`,
      `${chat}/messages/`,
      `${chat}/participants/`,
      `${chat}/read-receipts/`,
      "/api/users/search/",
    ]) {
      expect([path, (await ann.api("GET", path)).status]).toEqual([path, 200]);
      expectProblem(await ask("GET", path), 401, "invalid_token");
    }
    for (const path of ["/health/", "/docs/"]) {
      expect([path, (await ask("GET", path)).status]).toEqual([path, 200]);
      expect([path, (await ask("HEAD", path)).status]).toEqual([path, 200]);
    }
    expectProblem(
      await ask(
        "POST",
        "/api/auth/login/",
        json,
        JSON.stringify({ username: "nobody", password: "wrong password" }),
      ),
      401,
      "invalid_credentials",
    );
  });

  test("makes another path of all others, so that no path with `..` deletes what it did not name", async () => {
    const ann = await world.person("ann");
    const { id } = await ann.chat();
    const chat = `/api/chats/${id}`;
    const others: [method: string, path: string][] = [
      ["DELETE", `${chat}/`],
      ["DELETE", `${chat}/participants/%2e%2e`],
      ["DELETE", `${chat}/participants/..`],
      ["DELETE", `${chat}/participants/.%2E`],
      ["DELETE", `${chat}/participants/%2e`],
      ["DELETE", `${chat}/participants/x/..`],
      ["DELETE", "/api/auth/sessions/"],
      ["DELETE", "/api/auth/sessions/%2e"],
      ["PATCH", `${chat}/`],
      ["PATCH", `${chat}/x/..`],
      ["POST", `${chat}/leave/`],
      ["POST", `${chat}/messages/1/stop/`],
      ["POST", "/api/auth/ws-ticket/"],
      ["GET", "/api/usage/"],
      ["GET", "/openapi.json/"],
      ["GET", `${chat}//`],
      ["GET", "/ws/"],
    ];
    for (const [method, path] of others) {
      const head = `${method} ${path} HTTP/1.1\r\nHost: test\r\nAuthorization: Bearer ${ann.token}\r\n`;
      const [first] = await converse(world.url, `${head}\r\n`);
      expect([method, path, first?.status]).toEqual([method, path, 404]);
    }
    expect((await ann.api("GET", chat)).body).toMatchObject({ id, name: expect.any(String) });
    expect((await ann.api("GET", "/api/auth/sessions")).body).toHaveLength(1);
  });
});
