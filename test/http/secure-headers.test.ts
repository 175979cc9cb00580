// Every response of the API, and every page and file, forbids browsers whatever it does not need.
import { beforeAll, describe, expect, test } from "bun:test";
import { undescribed } from "../world/contract.ts";
import { startWorld, useWorld, type Answer, type Person } from "../world/world.ts";
import { Document, operationsOf } from "../docs/openapi.ts";

let ann: Person;
let operations: string[];
const world = useWorld({ env: { TRUSTED_PROXIES: "127.0.0.1" } });
beforeAll(async () => {
  ann = await world.person("ann");
  const { body } = await world.call("GET", "/openapi.json");
  operations = [...operationsOf(Document.parse(body)).keys()];
});

const pages = ["/", "/docs", "/docs/socket"];
const files = [
  "/docs/assets/docs.css",
  "/docs/assets/http-page.js",
  "/favicon.ico",
  "/manifest.webmanifest",
  "/icons/icon-192.png",
];
const documents = ["/openapi.json", "/asyncapi.json"];

function expectForbidding(answer: Answer) {
  expect(answer.headers.get("x-content-type-options")).toBe("nosniff");
  expect(answer.headers.get("x-frame-options")).toBe("DENY");
  expect(answer.headers.get("referrer-policy")).toBe("no-referrer");
  expect(answer.headers.get("cross-origin-resource-policy")).toBe("same-origin");
  expect(answer.headers.get("strict-transport-security")).toBeNull();
}

/** A response that is no page does nothing when a browser opens it as one. */
function expectInert(answer: Answer) {
  expectForbidding(answer);
  const policy = answer.headers.get("content-security-policy");
  expect(policy).toBe(
    "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  );
}

const withoutBraces = (path: string) => path.replaceAll(/\{\w+\}/g, "1");

test("every operation's answers, to anybody and to a person, forbid it all and are not stored", async () => {
  expect(operations.length).toBeGreaterThan(20);
  for (const operation of operations) {
    const [method = "", path = ""] = operation.split(" ");
    const answers = [
      await world.call(method, withoutBraces(path)),
      await ann.api(method, withoutBraces(path)),
    ];
    for (const answer of answers) {
      expectInert(answer);
      expect([operation, answer.headers.get("cache-control")]).toEqual([operation, "no-store"]);
    }
  }
});

test("so do tokens, messages and chats that are really there", async () => {
  const names = { username: "john_doe", password: "correct horse" };
  const email = "john@example.com";
  const chat = await ann.chat();
  const answers = [
    await world.call("POST", "/api/auth/register", { ...names, email }),
    await world.call("POST", "/api/auth/login", names),
    await ann.api("POST", "/api/auth/ws-ticket"),
    await ann.api("GET", "/api/auth/me"),
    await ann.api("POST", `/api/chats/${chat.id}/messages`, { content: "private" }),
    await ann.api("GET", `/api/chats/${chat.id}/messages`),
  ];
  for (const answer of answers) {
    expect(answer.status).toBe(200);
    expectInert(answer);
    expect(answer.headers.get("cache-control")).toBe("no-store");
  }
});

test("so do refusals before any route, and preflights", async () => {
  const origin = { origin: "http://localhost:3000", "access-control-request-method": "POST" };
  const answers = [
    await world.call("GET", "/nowhere"),
    await world.call("POST", "/api/chats", " ".repeat(300_000)),
    await world.call("POST", "/api/chats", {}, { "content-type": "text/plain" }),
    await world.call("GET", "/ws"),
    await world.call("OPTIONS", "/api/chats", undefined, origin),
  ];
  expect(answers.map(({ status }) => status)).toEqual([404, 413, 415, 400, 204]);
  for (const answer of answers) {
    expectInert(answer);
    expect(answer.headers.get("cache-control")).toBe("no-store");
  }
});

test("everything else that is served is tried here", () => {
  // The service worker may load icons: test/http/page.test.ts has its policy.
  const tried = [...pages, ...files, ...documents, "/ws", "/page/{file}", "/service-worker.js"];
  const paths = undescribed.map((name) => name.replace("GET ", ""));
  const missing = paths.filter((path) => !tried.includes(path) && !path.includes("{file}"));
  expect(missing).toEqual([]);
});

describe.each(pages)("the page at %s", (path) => {
  let answer: Answer;
  beforeAll(async () => {
    answer = await world.call("GET", path);
  });

  test("runs and loads this server's own files only, and stands in no frame", () => {
    expect(answer.status).toBe(200);
    expectForbidding(answer);
    const policy = answer.headers.get("content-security-policy")?.split("; ") ?? [];
    for (const directive of [
      "default-src 'none'",
      "script-src 'self'",
      "style-src 'self'",
      "connect-src 'self'",
      "base-uri 'none'",
      "form-action 'none'",
      "frame-ancestors 'none'",
    ]) {
      expect(policy).toContain(directive);
    }
    // A picture runs nothing.
    const isRoom = path === "/";
    expect(policy.filter((each) => each.includes("blob:"))).toEqual(
      isRoom ? ["img-src 'self' data: blob:"] : [],
    );
    expect(policy.join()).not.toMatch(/unsafe|\*|https?:|nonce|sha256/);
    expect(answer.headers.get("cross-origin-opener-policy")).toBe("same-origin");
  });

  test("has no script and no style inside", async () => {
    const inside: string[] = [];
    let elements = 0;
    const rewriter = new HTMLRewriter().on("*", {
      element(element) {
        elements += 1;
        const { tagName } = element;
        if (tagName === "style" || (tagName === "script" && !element.getAttribute("src"))) {
          inside.push(tagName);
        }
        for (const [name, value] of element.attributes) {
          if (/^(on.*|style|srcdoc)$/i.test(name) || /^\s*javascript:/i.test(value)) {
            inside.push(`${tagName} ${name}`);
          }
        }
      },
    });
    await rewriter.transform(new Response(answer.body)).text();
    expect(elements).toBeGreaterThan(5);
    expect(inside).toEqual([]);
  });

  test("loads files that are served with their own type, for this host only", async () => {
    const names = [...answer.body.matchAll(/(?:src|href)="?(\/(?:page|docs\/assets)\/[^"\s>]+)/g)];
    expect(names).not.toBeEmpty();
    for (const [, name = ""] of names) {
      const file = await world.call("GET", name);
      expect(file.status).toBe(200);
      expectInert(file);
      expect(file.headers.get("cache-control")).toMatch(/^public, max-age=\d+/);
    }
  });
});

test.each([...files, ...documents])("%s forbids all that a page may do", async (path) => {
  const answer = await world.call("GET", path);
  expect(answer.status).toBe(200);
  expectInert(answer);
});

describe("Strict-Transport-Security", () => {
  const of = async (headers: Record<string, string>, at = world) => {
    const answer = await at.call("GET", "/health", undefined, headers);
    return answer.headers.get("strict-transport-security");
  };

  test.each(["https", "HTTPS", "https, http"])(
    "is sent to who came by TLS to a trusted proxy, which says %j",
    async (proto) => {
      expect(await of({ "x-forwarded-proto": proto })).toBe("max-age=31536000");
    },
  );

  test.each(["http", "http, https", "httpsx", "wss", ""])(
    "is not sent where the proxy says %j",
    async (proto) => {
      expect(await of({ "x-forwarded-proto": proto })).toBeNull();
    },
  );

  test("is not sent for what somebody else says", async () => {
    const direct = await startWorld();
    try {
      expect(await of({ "x-forwarded-proto": "https" }, direct)).toBeNull();
    } finally {
      await direct.stop();
    }
  });
});
