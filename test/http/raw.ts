// Requests that no well-behaved client sends: bodies as bytes, and the wire itself.
import { connect } from "node:net";
import type { Answer } from "../world/world.ts";

/** A request whose body goes out as it is: bytes with their length, a stream in chunks without one. */
export async function request(url: string, init: RequestInit): Promise<Answer> {
  const response = await fetch(url, init);
  const text = await response.text();
  const isJson = response.headers.get("content-type")?.includes("json");
  return {
    status: response.status,
    headers: response.headers,
    body: isJson && text !== "" ? JSON.parse(text) : text,
  };
}

/** A body in chunks, each of which is asked for. */
export function chunks(...parts: string[]): ReadableStream {
  const waiting = parts.map((part) => new TextEncoder().encode(part));
  return new ReadableStream({
    pull(controller) {
      const next = waiting.shift();
      if (next) controller.enqueue(next);
      else controller.close();
    },
  });
}

/** Writes to a connection and leaves it open. @returns what had come when `until` did */
export async function exchange(url: string, text: string, until: string): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const socket = connect(Number(new URL(url).port), "127.0.0.1");
  let received = "";
  socket.setEncoding("utf8");
  socket.on("data", (data) => {
    received += data;
    if (received.includes(until)) resolve(received);
  });
  socket.on("error", reject);
  socket.on("close", () => reject(new Error(`closed without ${until}: ${received}`)));
  socket.write(text);
  try {
    return await promise;
  } finally {
    socket.destroy();
  }
}

export interface RawAnswer {
  status: number;
  body: string;
}

/**
 * Writes requests as they are, one part after the other, and once something was answered one for /health that asks for
 * the connection's end, so that it ends in any case. (Bun ends a connection on which a request comes before the answer
 * to the last.) @returns all answers, that one too where the server still listened
 */
export async function converse(
  url: string,
  ...parts: (string | Uint8Array)[]
): Promise<RawAnswer[]> {
  const last = "GET /health HTTP/1.1\r\nHost: last\r\nConnection: close\r\n\r\n";
  const socket = connect(Number(new URL(url).port), "127.0.0.1");
  let received = "";
  const answered = Promise.withResolvers<void>();
  socket.setEncoding("latin1");
  socket.on("data", (data) => {
    received += data;
    answered.resolve();
  });
  // Whoever refuses the rest may end the connection while it is written.
  socket.on("error", () => undefined);
  const closed = new Promise((resolve) => socket.on("close", resolve));
  for (const part of parts) {
    await Promise.race([new Promise((resolve) => socket.write(part, resolve)), closed]);
  }
  await Promise.race([answered.promise, closed]);
  socket.write(last);
  await closed;
  return received
    .split(/(?=HTTP\/1\.1 \d{3} )/)
    .filter((text) => text !== "")
    .map((text) => {
      const [head = "", ...body] = text.split("\r\n\r\n");
      return { status: Number(head.slice(9, 12)), body: body.join("\r\n\r\n") };
    });
}
