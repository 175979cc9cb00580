// Answers that are too long to be sent with their head, which have no Content-Length.
import { connect } from "node:net";
import { beforeAll, describe, expect, test } from "bun:test";
import { useWorld, type Person } from "../world/world.ts";

const world = useWorld();
let ann: Person;
let path: string;
const count = 60;
const content = "語".repeat(16_000);

beforeAll(async () => {
  ann = await world.person("ann");
  const { id } = await ann.chat();
  path = `/api/chats/${id}/messages?limit=${count}`;
  for (let index = 0; index < count; index += 1) await ann.say(id, content);
});

const requestText = (method: string, version: string, connection: string) =>
  `${method} ${path} HTTP/${version}\r\nHost: localhost\r\nAuthorization: Bearer ${ann.token}\r\n` +
  `Connection: ${connection}\r\n\r\n`;

/** Writes a request, and reads the answer until the server ends the connection, with a pause after the first bytes. */
async function answerTo(text: string, pauseMs = 0): Promise<{ head: string; body: string }> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const socket = connect(Number(new URL(world.url).port), "127.0.0.1");
  const received: Buffer[] = [];
  socket.on("data", (data) => received.push(Buffer.from(data)));
  socket.on("error", reject);
  socket.on("close", () => resolve());
  if (pauseMs > 0) {
    socket.once("data", () => {
      socket.pause();
      setTimeout(() => socket.resume(), pauseMs);
    });
  }
  socket.write(text);
  await promise;
  const whole = Buffer.concat(received);
  const end = whole.indexOf("\r\n\r\n");
  return { head: whole.toString("utf8", 0, end), body: whole.toString("utf8", end + 4) };
}

function contentsOf(json: unknown): unknown[] {
  if (!Array.isArray(json)) throw new Error("the answer is no list");
  return json.map((message) => message.content);
}

const all = Array.from({ length: count }, () => content);

describe("a long list", () => {
  test("arrives whole, and the connection takes the next request", async () => {
    for (let turn = 0; turn < 3; turn += 1) {
      const { status, headers, body } = await ann.api("GET", path);
      expect(status).toBe(200);
      expect(headers.get("content-type")).toBe("application/json");
      expect(headers.get("cache-control")).toBe("no-store");
      expect(headers.get("x-request-id")).toMatch(/^[0-9a-f-]{36}$/);
      expect(contentsOf(body)).toEqual(all);
    }
  });

  test("arrives whole at a slow reader", async () => {
    const { head, body } = await answerTo(requestText("GET", "1.0", "close"), 300);
    expect(head).toStartWith("HTTP/1.1 200 OK\r\n");
    expect(contentsOf(JSON.parse(body))).toEqual(all);
  });

  test("is not sent in chunks to a client of HTTP/1.0", async () => {
    const { head, body } = await answerTo(requestText("GET", "1.0", "close"));
    expect(head.toLowerCase()).not.toContain("transfer-encoding");
    expect(contentsOf(JSON.parse(body))).toEqual(all);
  });

  test("has a head alone for HEAD", async () => {
    const { head, body } = await answerTo(requestText("HEAD", "1.1", "close"));
    expect(head).toStartWith("HTTP/1.1 200 OK\r\n");
    expect(head).toMatch(/^content-type: application\/json$/im);
    expect(body).toBe("");
  });

  test("does no harm when its reader goes away", async () => {
    const socket = connect(Number(new URL(world.url).port), "127.0.0.1");
    socket.write(requestText("GET", "1.1", "keep-alive"));
    await new Promise((resolve) => socket.once("data", resolve));
    socket.destroy();
    expect((await ann.api("GET", path)).status).toBe(200);
  });
});

test("a short list has a Content-Length", async () => {
  const ben = await world.person("ben");
  const { headers, body } = await ben.api("GET", "/api/chats");
  expect(headers.get("content-length")).toBe("2");
  expect(body).toEqual([]);
});
