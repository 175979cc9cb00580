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
