// The wire itself: requests that two parsers would read in two ways, paths in other spellings, bodies without an end.
// Nothing of it comes past authentication, and nothing behind a body is taken for a request.
import { beforeAll, describe, expect } from "bun:test";
import { operationsOf } from "../../docs/openapi.ts";
import { converse, exchange } from "../../http/raw.ts";
import { describedHttp } from "../../world/contract.ts";
import { bothTest, everyNth, test } from "../../world/long.ts";
import { useWorld } from "../../world/world.ts";
import { setScene, storedRows, type Scene } from "./scene.ts";
import { spellings } from "./spellings.ts";

const world = useWorld();
let scene: Scene;
let secrets: string[];
beforeAll(async () => {
  scene = await setScene(world);
  const { owner } = scene.people;
  await owner.api("PATCH", `/api/chats/${scene.chatId}`, { name: "Closed to all others" });
  await owner.say(scene.chatId, "What nobody else may read");
  secrets = [
    "Closed to all others",
    "nobody else may read",
    ...Object.values(scene.people).map(({ email }) => email),
  ];
});

const operations = operationsOf(describedHttp());
const eol = "\r\n";
const host = `Host: test${eol}`;
const json = `Content-Type: application/json${eol}`;
const body = '{"name":"smuggled"}';
const inChunks = `13${eol}${body}${eol}0${eol}${eol}`;
const authorization = () => `Authorization: Bearer ${scene.people.owner.token}${eol}`;
/** The request that an attacker would smuggle in as the next client's request. */
const hidden = () => `GET /api/auth/me HTTP/1.1${eol}${host}${authorization()}${eol}`;

async function changesNothing<T>(work: () => Promise<T>): Promise<T> {
  const before = await storedRows(world);
  const result = await work();
  expect(await storedRows(world)).toEqual(before);
  return result;
}

/** A signed-in request that would open a chat. */
const post = (headers: string, content: string, version = "1.1") =>
  `POST /api/chats HTTP/${version}${eol}${host}${authorization()}${json}${headers}${eol}${eol}${content}`;
const get = (head: string) => `GET /api/auth/me HTTP/1.1${eol}${head}${eol}`;
const chunked = "Transfer-Encoding: chunked";

const length = "Content-Length: 19";

/** RFC 9112 §6.3, §11.2 */
const ambiguous: Record<string, () => string> = {
  "a length and chunks": () => post(`${length}${eol}${chunked}`, inChunks),
  "chunks and a length": () => post(`${chunked}${eol}Content-Length: 4`, inChunks),
  "two lengths": () => post(`${length}${eol}Content-Length: 2`, body),
  "a list of lengths": () => post("Content-Length: 19, 19", body),
  "a length with a sign": () => post("Content-Length: +19", body),
  "a negative length": () => post("Content-Length: -1", body),
  "a hexadecimal length": () => post("Content-Length: 0x13", body),
  "a length with a blank in it": () => post("Content-Length: 1 9", body),
  "an empty length": () => post("Content-Length: ", body),
  "a length past 64 bits": () => post("Content-Length: 18446744073709551635", body),
  "a blank before the length's colon": () => post("Content-Length : 19", body),
  "a blank before the encoding's colon": () => post("Transfer-Encoding : chunked", inChunks),
  "another encoding before chunks": () => post("Transfer-Encoding: gzip, chunked", inChunks),
  "another encoding after chunks": () => post("Transfer-Encoding: chunked, identity", inChunks),
  "no encoding but identity": () => post(`Transfer-Encoding: identity${eol}${length}`, body),
  "an unknown encoding": () => post("Transfer-Encoding: xchunked", inChunks),
  "two encodings": () => post(`${chunked}${eol}Transfer-Encoding: identity`, inChunks),
  "an encoding behind a vertical tab": () => post("Transfer-Encoding: \vchunked", inChunks),
  "chunks in HTTP/1.0": () => post(chunked, inChunks, "1.0"),
  "a folded header": () => post(`X-Folded: a${eol} Content-Length: 3${eol}${length}`, body),
  "a folded encoding": () => post(`Transfer-Encoding:${eol} chunked`, inChunks),
  "a folded token": () => get(`${host}X-Folded: a${eol} ${authorization()}`),
  "a line that ends in LF": () => get(`${host}X-Line: a\n${authorization()}`),
  "a line that ends in CR": () => get(`${host}X-Line: a\r${authorization()}`),
  "U+0000 in a header": () => get(`${host}X-Line: a\0b${eol}${authorization()}`),
  "a signed chunk size": () => post(chunked, `+${inChunks}`),
  "a chunk size with 0x": () => post(chunked, `0x${inChunks}`),
  "a chunk size past 64 bits": () =>
    post(chunked, `10000000000000013${eol}${body}${eol}0${eol}${eol}`),
  "chunks in lines that end in LF": () => post(chunked, inChunks.replaceAll(eol, "\n")),
  "a chunk's extension that ends in LF": () => post(chunked, inChunks.replace(eol, ";\n")),
  "a chunk that is longer than it says": () => post(chunked, inChunks.replace("13", "12")),
  "no Host": () => get(authorization()),
  "two Hosts": () => get(`${host}Host: elsewhere${eol}${authorization()}`),
  "a Host that is none": () => get(`Host: a b/@c${eol}${authorization()}`),
  "a Host with a path": () => get(`Host: test/api${eol}${authorization()}`),
  "two tokens": () => get(`${host}${authorization()}Authorization: Bearer x${eol}`),
};

describe("a request is refused, changes nothing and gives nothing away, with", () => {
  test.each(Object.entries(ambiguous))("%s", async (_, request) => {
    const [first, ...others] = await changesNothing(() => converse(world.url, request()));
    expect([400, 401]).toContain(first?.status ?? 0);
    for (const secret of secrets) expect(first?.body).not.toContain(secret);
    // Either the connection ended, or the next request was read from its beginning on.
    expect(others.map(({ body }) => body)).toEqual(
      others.length > 0 ? ['{"status":"healthy"}'] : [],
    );
  });

  test.each([
    ["another version", "GET /api/auth/me HTTP/1.2"],
    ["HTTP/2 by words alone", "GET /api/auth/me HTTP/2.0"],
    ["no version", "GET /api/auth/me"],
    ["two blanks in its line", "GET  /api/auth/me HTTP/1.1"],
    ["tabs in its line", "GET\t/api/auth/me\tHTTP/1.1"],
    ["no slash before its path", "GET api/auth/me HTTP/1.1"],
    ["a method in small letters", "get /api/auth/me HTTP/1.1"],
    ["TRACE", "TRACE /api/auth/me HTTP/1.1"],
    ["a lone LF behind its line", "GET /api/auth/me HTTP/1.1\nX-Line: a"],
  ])("%s", async (_, line) => {
    const request = `${line}${eol}${host}${authorization()}${eol}`;
    const [first] = await changesNothing(() => converse(world.url, request));
    // A connection that ends without a word is a refusal, too.
    if (first) expect([400, 404, 405, 505]).toContain(first.status);
    for (const secret of secrets) expect(first?.body ?? "").not.toContain(secret);
  });
});

test.each([
  ["one length, said twice", () => post(`${length}${eol}${length}`, body)],
  ["chunks behind a tab", () => post("Transfer-Encoding:\tchunked", inChunks)],
  ["a chunk's extension", () => post(chunked, inChunks.replace(eol, `;a=b${eol}`))],
])(
  "%s is taken for one request, and the next one is read from its beginning on",
  async (_, request) => {
    const answers = await converse(world.url, request());
    expect(answers.map(({ status }) => status)).toEqual([200, 200]);
    expect(answers[1]?.body).toBe('{"status":"healthy"}');
  },
);

test("CONNECT is refused", async () => {
  const request = `CONNECT test:80 HTTP/1.1${eol}${host}${authorization()}${eol}`;
  expect(await exchange(world.url, request, "bad_request")).toStartWith("HTTP/1.1 400 ");
});

test("a token in the trailer behind a body signs nobody in", async () => {
  const content = inChunks.replace(/\r\n$/, `${authorization()}${eol}`);
  const request = `POST /api/chats HTTP/1.1${eol}${host}${json}${chunked}${eol}${eol}${content}`;
  const [first] = await changesNothing(() => converse(world.url, request));
  expect(first?.status).toBe(401);
});

test("what stands in the body of a request is never taken for another one", async () => {
  const inside = hidden();
  for (const target of [
    "GET /health",
    "GET /api/auth/me",
    "DELETE /api/chats/1",
    "POST /api/nowhere",
  ]) {
    const head = `${target} HTTP/1.1${eol}${host}Content-Length: ${inside.length}${eol}${eol}`;
    const answers = await converse(world.url, head + inside);
    expect(answers).toHaveLength(2);
    for (const { body } of answers) expect(body).not.toContain(scene.people.owner.email);
  }
});

describe("a body past 256 KiB is refused with 413 before anything is done with it, by", () => {
  const kib = 1024;
  // Files have another limit: test/attachments/upload.test.ts.
  const takesBody = [...operations].filter(
    ([, { requestBody }]) => requestBody?.content["application/json"],
  );
  const whole =
    '{"username":"large","email":"large@example.com","password":"correct horse battery"}';

  test.each(takesBody)("%s", async (name) => {
    const [method = "", template = ""] = name.split(" ");
    const path = template.replace("{chat_id}", String(scene.chatId));
    const head = `${method} ${path} HTTP/1.1${eol}${host}${json}`;
    const piece = hidden().padEnd(32 * kib);
    const trickle = Array.from({ length: 10 }, () => `8000${eol}${piece}${eol}`);
    const content = `${whole}${piece.repeat(10)}`;
    const said = `Content-Length: ${content.length}${eol}${eol}`;
    const answers = await changesNothing(async () => [
      await converse(
        world.url,
        `${head}${chunked}${eol}${eol}`,
        `53${eol}${whole}${eol}`,
        ...trickle,
        `0${eol}${eol}`,
      ),
      // Without a token either: it is refused before that is looked at, and after.
      await converse(world.url, `${head}${authorization()}${said}`, content),
      await converse(
        world.url,
        `${head}${authorization()}${chunked}${eol}${eol}`,
        ...trickle,
        `0${eol}${eol}`,
      ),
    ]);
    for (const [first, ...others] of answers) {
      expect(first?.status).toBe(413);
      expect(JSON.parse(first?.body ?? "").type).toBe("/problems/too_large");
      expect(others.map(({ body }) => body)).toEqual(
        others.length > 0 ? ['{"status":"healthy"}'] : [],
      );
    }
  });
});

const isProtected = ([, { security }]: [string, { security?: unknown[] }]) =>
  security !== undefined && security.length > 0;

describe.each(everyNth(4, [...operations].filter(isProtected)))("%s", (name) => {
  bothTest("is past no authentication in any other spelling, and changes nothing", async () => {
    const [method = "", template = ""] = name.split(" ");
    const ids = scene.idsFor(undefined);
    const path = template.replaceAll(/\{(\w+)\}/g, (_, id: string) => String(ids[id]));
    await changesNothing(() =>
      Promise.all(
        Object.entries(spellings).map(async ([what, spell]) => {
          const request = `${method} ${spell(path)} HTTP/1.1${eol}${host}${eol}`;
          const [first] = await converse(world.url, request);
          expect([what, [400, 401, 404, 405].includes(first?.status ?? 0)]).toEqual([what, true]);
          for (const secret of secrets) expect(first?.body).not.toContain(secret);
        }),
      ),
    );
  });
});

test("no header of a proxy's leads to another path, method or person", async () => {
  const path = `/api/chats/${scene.chatId}`;
  const headers = [
    `X-Original-URL: ${path}`,
    `X-Rewrite-URL: ${path}`,
    `X-Forwarded-Prefix: ${path}`,
    `X-HTTP-Method-Override: DELETE`,
    `X-Forwarded-User: ${scene.people.owner.username}`,
    `Remote-User: ${scene.people.owner.username}`,
    "X-Forwarded-For: 127.0.0.1",
  ];
  await changesNothing(async () => {
    for (const header of headers) {
      for (const [target, status] of [
        ["/health", 200],
        [path, 401],
      ] as const) {
        const request = `GET ${target} HTTP/1.1${eol}${host}${header}${eol}${eol}`;
        const [first] = await converse(world.url, request);
        expect([header, first?.status]).toEqual([header, status]);
        for (const secret of secrets) expect(first?.body).not.toContain(secret);
      }
    }
  });
});

test.each([
  "/docs/assets/..%2f..%2fpackage.json",
  "/docs/assets/%2e%2e%2f%2e%2e%2fpackage.json",
  "/docs/assets/....//package.json",
  "/docs/assets/..%5c..%5cpackage.json",
  "/docs/assets/%00",
  "/page/..%2f..%2f..%2fpackage.json",
  "/page//etc/passwd",
  "/docs/assets//etc/passwd",
  "/.env",
  "/.git/config",
  "/src/main.ts",
  "/docs/assets/constructor",
  "/page/__proto__",
])("no file lies behind %s", async (path) => {
  const [first] = await converse(world.url, `GET ${path} HTTP/1.1${eol}${host}${eol}`);
  expect(first?.status).toBe(404);
});
