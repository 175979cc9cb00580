import { describe, expect, test } from "bun:test";
import { ClientFrame } from "../../src/wire/client-frames.ts";
import { closeCodes } from "../../src/wire/close-codes.ts";
import { serverFrames } from "../../src/wire/server-frames.ts";
import { clientKey, serverKey } from "../../src/wire/docs/frame-messages.ts";
import { answerAndHang, say } from "../world/gemini/script.ts";
import { exampleClient } from "../../src/docs/example.ts";
import { useWorld } from "../world/world.ts";

const world = useWorld();

const pages = ["/docs", "/docs/socket"];
const pageAt = async (path: string): Promise<string> => (await world.call("GET", path)).body;

const addressesIn = (html: string) =>
  [...html.matchAll(/(?:href|src)="([^"]*)"/g)].map(([, address = ""]) => address);

describe.each(pages)("%s", (path) => {
  test("is a page of HTML that leads to the other page and to both documents", async () => {
    const { status, headers, body } = await world.call("GET", path);
    expect(status).toBe(200);
    expect(headers.get("content-type")?.toLowerCase()).toBe("text/html; charset=utf-8");
    expect(addressesIn(body)).toEqual(
      expect.arrayContaining([...pages, "/openapi.json", "/asyncapi.json"]),
    );
    expect(body).toContain(`href="${path}" aria-current="page"`);
  });

  test("names no other host, and has no script and no style inside", async () => {
    const page = await pageAt(path);
    for (const address of addressesIn(page)) expect(address).toMatch(/^(\/[^/]|#[\w-]+$)/);
    expect(page).not.toMatch(/<style|\sstyle=|\son\w+=|javascript:/i);
    for (const [, content] of page.matchAll(/<script[^>]*>([^]*?)<\/script>/g)) {
      expect(content).toBe("");
    }
  });

  test("has everything that it loads from this server, and may keep it", async () => {
    const page = await pageAt(path);
    const files = addressesIn(page).filter((address) => /\.(css|js|ico)$/.test(address));
    expect(files.length).toBeGreaterThan(1);
    for (const address of files) {
      const { status, headers, body } = await world.call("GET", address);
      expect([address, status]).toEqual([address, 200]);
      expect(headers.get("cache-control")).toMatch(/^public, max-age=\d+$/);
      const type = headers.get("content-type");
      if (address.endsWith(".js")) expect(type).toBe("text/javascript; charset=utf-8");
      if (!address.endsWith(".css")) continue;
      expect(type).toBe("text/css; charset=utf-8");
      expect(body).not.toMatch(/@import|url\(["']?(https?:)?\/\//);
    }
  });
});

test("Swagger UI shows the OpenAPI document, and tells nobody of it", async () => {
  const { body } = await world.call("GET", "/docs/assets/http-page.js");
  expect(body).toContain('url: "/openapi.json"');
  // Without this, Swagger UI sends the document's address to its maker's validator.
  expect(body).toContain('validatorUrl: "none"');
  expect((await world.call("GET", "/docs/assets/swagger-ui-bundle.js")).body).toContain(
    "SwaggerUIBundle",
  );
});

test("/docs/socket shows every frame, every close code, and nothing that leads nowhere", async () => {
  const page = await pageAt("/docs/socket");
  const ids = [...page.matchAll(/ id="([^"]+)"/g)].map(([, id = ""]) => id);
  expect(new Set(ids).size).toBe(ids.length);
  const clients = ClientFrame.options.map(({ shape }) => clientKey(shape.type.value));
  expect(ids).toEqual(
    expect.arrayContaining([...clients, ...Object.keys(serverFrames).map(serverKey)]),
  );
  for (const reason of Object.keys(closeCodes)) expect(page).toContain(`<code>${reason}</code>`);
  for (const [, id] of page.matchAll(/href="#([^"]+)"/g)) expect(ids).toContain(id ?? "");
  expect(page).not.toMatch(/undefined|\[object|NaN/);
  const { body: http } = await world.call("GET", "/openapi.json");
  const operations = Object.values<Record<string, { tags?: string[]; operationId?: string }>>(
    http.paths,
  ).flatMap((methods) => Object.values(methods));
  const endpoints = operations.map(({ tags, operationId }) => `${tags?.[0]}/${operationId}`);
  const linked = [...page.matchAll(/href="\/docs#\/([^"]+)"/g)].map(([, name = ""]) => name);
  expect(linked.length).toBeGreaterThan(5);
  expect(endpoints).toEqual(expect.arrayContaining(linked));
});

describe("the example on /docs/socket", () => {
  interface Show {
    message(message: { id: number; content: string; status: string }): void;
    clear(): void;
    closed(why: string): void;
  }
  type Connect = (
    base: string,
    getToken: () => Promise<string>,
    chatId: number,
    show: Show,
  ) => void;

  function reader() {
    const shown = new Map<number, string>();
    const waiting = new Set<() => void>();
    return {
      shown,
      closed: Promise.withResolvers<string>(),
      async until(isSo: () => boolean) {
        while (!isSo()) await new Promise<void>((resolve) => waiting.add(resolve));
      },
      changed() {
        for (const resolve of waiting) resolve();
        waiting.clear();
      },
    };
  }

  test("stands there as it is, loads, follows, shows a running answer, and ends with its session", async () => {
    const page = await pageAt("/docs/socket");
    expect(page.replaceAll("&#39;", "'").replaceAll("&quot;", '"')).toContain(
      exampleClient.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;"),
    );

    const connect: Connect = new Function(`${exampleClient}; return connect;`)();
    const ann = await world.person("ann");
    const { id } = await ann.chat();
    const first = await ann.say(id, "before");
    const { shown, closed, until, changed } = reader();
    connect(world.url, () => Promise.resolve(ann.token), id, {
      message(message) {
        shown.set(message.id, `${message.status}: ${message.content}`);
        changed();
      },
      clear: () => shown.clear(),
      closed: closed.resolve,
    });
    await until(() => shown.get(first.id) === "complete: before");

    world.gemini.respondWith(answerAndHang(say("One moment")));
    const question = await ann.say(id, "/bot wait");
    await until(() => [...shown.values()].includes("streaming: One moment"));
    const answer = [...shown.keys()].at(-1);
    await ann.api("POST", `/api/chats/${id}/messages/${answer}/stop`);
    await until(() => shown.get(Number(answer)) === "stopped: One moment");
    expect([...shown.keys()]).toEqual([first.id, question.id, Number(answer)]);

    world.sockets.disconnectUser(ann.id);
    const later = await ann.say(id, "while away");
    await until(() => shown.get(later.id) === "complete: while away");
    world.sockets.checkSessions(Date.now() + 24 * 60 * 60 * 1_000);
    const renewed = await ann.say(id, "with a new token");
    await until(() => shown.get(renewed.id) === "complete: with a new token");
    world.sockets.disconnectSessions([ann.sessionId]);
    expect(await closed.promise).toStartWith("revoked");
  });

  test("ends where the chat does, and where its reader is not in it", async () => {
    const connect: Connect = new Function(`${exampleClient}; return connect;`)();
    const [ann, bob] = await Promise.all([world.person("ann"), world.person("bob")]);
    const { id } = await ann.chat({ with: [bob] });
    const read = ({ token }: { token: string }, chatId: number) => {
      const loaded = Promise.withResolvers<void>();
      const closed = Promise.withResolvers<string>();
      connect(world.url, () => Promise.resolve(token), chatId, {
        message: () => loaded.resolve(),
        clear() {},
        closed: closed.resolve,
      });
      return { loaded: loaded.promise, closed: closed.promise };
    };
    await ann.say(id, "hello");
    const removed = read(bob, id);
    await removed.loaded;
    await ann.api("DELETE", `/api/chats/${id}/participants/${bob.id}`);
    expect(await removed.closed).toContain("removed you from");
    expect(await read(bob, id).closed).toContain("no such chat");
    const deleted = read(ann, id);
    await deleted.loaded;
    await ann.api("DELETE", `/api/chats/${id}`);
    expect(await deleted.closed).toContain("was deleted");
  });
});
