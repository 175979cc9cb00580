import { beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { useWorld, type Answer, type Person } from "../world/world.ts";
import { chunks, exchange, request } from "./raw.ts";
import { expectInvalid, expectProblem } from "./refusals.ts";

const world = useWorld();
let ann: Person;
beforeAll(async () => {
  ann = await world.person("ann");
});

type Body = NonNullable<RequestInit["body"]>;

const kib = 1024;
const json = "application/json";

/** Posts to an endpoint that takes any object: a body that is stored has passed the middleware by mistake. */
function post(body: Body | undefined, contentType?: string): Promise<Answer> {
  return request(`${world.url}/api/chats`, {
    method: "POST",
    headers: {
      authorization: `Bearer ${ann.token}`,
      ...(contentType === undefined ? {} : { "content-type": contentType }),
    },
    body,
  });
}

async function countChats(): Promise<number> {
  const [row] = await world.sql`select count(*)::int as count from chats`;
  return row?.count;
}

const bytes = (...parts: (string | number)[]) =>
  Uint8Array.from(
    parts.flatMap((part) => (typeof part === "number" ? part : [...Buffer.from(part)])),
  );

describe("a body is refused, and nothing is done,", () => {
  let before: number;
  beforeEach(async () => {
    before = await countChats();
  });

  test.each<[what: string, body: Body | undefined]>([
    ["that is missing", undefined],
    ["that is empty", ""],
    ["that is empty and comes in chunks", chunks()],
    ["of blanks", " \n"],
    ["that is cut off", '{"name":"a"'],
    ["with a comma too many", '{"name":"a",}'],
    ["with single quotes", "{'name':'a'}"],
    ["of a bare word", "undefined"],
    ["of two values", "{}{}"],
    ["with a raw line break in a text", '{"name":"a\nb"}'],
    ["with a byte that is never UTF-8", bytes('{"name":"a', 0xff, '"}')],
    ["with a truncated character", bytes('{"name":"', 0xf0, 0x9f, 0x98, '"}')],
    ["with an overlong character", bytes('{"name":"', 0xc0, 0xaf, '"}')],
    ["with a surrogate in UTF-8", bytes('{"name":"', 0xed, 0xa0, 0x80, '"}')],
    ["in Latin-1", bytes('{"name":"J', 0xf6, 'rg"}')],
    ["in UTF-16", bytes(...Buffer.from('\ufeff{"name":"a"}', "utf16le"))],
    ["nested without an end", "[".repeat(10_000)],
  ])("with 400 %s", async (_, body) => {
    expectProblem(await post(body, json), 400, "not_json");
    expect(await countChats()).toBe(before);
  });

  test("with 400 that is missing together with its Content-Type", async () => {
    expectProblem(await post(undefined), 400, "not_json");
    const answer = await world.call("POST", "/api/auth/register");
    expectProblem(answer, 400, "not_json");
    expect(await countChats()).toBe(before);
  });

  test.each([
    [undefined],
    ["text/plain"],
    ["application/x-www-form-urlencoded"],
    ["multipart/form-data; boundary=x"],
    ["application/jsonp"],
    ["application/x-json"],
    ["application/a+b+json"],
    ["text/json"],
    ["json"],
    ["*/*"],
  ])("with 415 when its Content-Type is %p", async (contentType) => {
    for (const body of [bytes('{"name":"a"}'), chunks('{"name":', '"a"}'), bytes("no JSON")]) {
      expectProblem(await post(body, contentType), 415, "unsupported_media_type");
    }
    expect(await countChats()).toBe(before);
  });

  const tooLong = `{"name":"a"${" ".repeat(256 * kib)}}`;
  test.each<[what: string, body: Body]>([
    ["above 256 KiB", tooLong],
    ["above 256 KiB in one chunk", chunks(tooLong)],
    [
      "above 256 KiB in many chunks",
      chunks(...Array.from({ length: 65 }, () => " ".repeat(4 * kib))),
    ],
    ["of 5 MiB", " ".repeat(5 * kib * kib)],
    ["of 5 MiB in chunks", chunks(...Array.from({ length: 80 }, () => " ".repeat(64 * kib)))],
  ])("with 413 %s", async (_, body) => {
    expectProblem(await post(body, json), 413, "too_large");
    expect(await countChats()).toBe(before);
  });

  test("with 413 as soon as a length that is too large is said", async () => {
    const head = `POST /api/chats HTTP/1.1\r\nHost: test\r\nContent-Type: ${json}\r\n`;
    const length = `Content-Length: ${2 ** 40}\r\n\r\n`;
    const answer = await exchange(world.url, head + length, "too_large");
    expect(answer).toStartWith("HTTP/1.1 413 ");
    expect(answer.toLowerCase()).toContain("content-type: application/problem+json");
  });

  test("with 413 in the middle of chunks that never end", async () => {
    const head = `POST /api/chats HTTP/1.1\r\nHost: test\r\nContent-Type: ${json}\r\n`;
    const chunk = `10000\r\n${" ".repeat(0x10000)}\r\n`;
    const text = `${head}Transfer-Encoding: chunked\r\n\r\n${chunk.repeat(5)}`;
    expect(await exchange(world.url, text, "too_large")).toStartWith("HTTP/1.1 413 ");
  });
});

describe("a body is taken", () => {
  test.each([
    ["application/json"],
    ["application/json; charset=utf-8"],
    ["application/json;charset=UTF-8"],
    ["Application/JSON"],
    ["application/vnd.api+json"],
  ])("as %s", async (contentType) => {
    const { status, body } = await post(bytes('{"name":"Grüße 😀"}'), contentType);
    expect(status).toBe(200);
    expect(body.name).toBe("Grüße 😀");
  });

  test("in chunks, which may part a character", async () => {
    const whole = bytes('{"name":"Grüße 😀"}');
    const body = new ReadableStream({
      start(controller) {
        for (const byte of whole) controller.enqueue(Uint8Array.of(byte));
        controller.close();
      },
    });
    const answer = await post(body, json);
    expect(answer.status).toBe(200);
    expect(answer.body.name).toBe("Grüße 😀");
  });

  test("with a byte order mark", async () => {
    const answer = await post('\ufeff{"name":"marked"}', json);
    expect(answer.body.name).toBe("marked");
  });

  test("of just 256 KiB", async () => {
    const start = '{"name":"fits"';
    const body = `${start}${" ".repeat(256 * kib - start.length - 1)}}`;
    for (const whole of [body, chunks(body)]) {
      expect((await post(whole, json)).body.name).toBe("fits");
    }
  });
});

describe("JSON that is nested 10,000 deep", () => {
  const arrays = `${"[".repeat(10_000)}${"]".repeat(10_000)}`;
  const objects = `${'{"a":'.repeat(10_000)}1${"}".repeat(10_000)}`;

  test("is invalid as a body or as a member", async () => {
    expectInvalid(await post(arrays, json), "");
    for (const deep of [arrays, objects]) {
      expectInvalid(await post(`{"name":${deep}}`, json), "/name");
      const people = await post(`{"participant_usernames":[${deep}]}`, json);
      expectInvalid(people, "/participant_usernames/0");
    }
  });

  test("is ignored where it isn't known", async () => {
    for (const deep of [arrays, objects]) {
      const { status, body } = await post(`{"name":"shallow","x":${deep}}`, json);
      expect(status).toBe(200);
      expect(body.name).toBe("shallow");
    }
  });
});

test("members with the names of an object's own are nothing special", async () => {
  const answer = await post('{"__proto__":{"name":"evil"},"constructor":1}', json);
  expect(answer.status).toBe(200);
  expect(answer.body.name).toBe(ann.username);
  expectInvalid(
    await post('{"participant_usernames":{"length":1}}', json),
    "/participant_usernames",
  );
});
