// An answer as the sockets of a room receive it.
import { expect } from "bun:test";
import type { TestSocket } from "../world/socket.ts";

/** The text as a client puts it together: pieces fit, or bring everything anew. */
function textOf(socket: TestSocket, messageId: number) {
  const frames = socket.ofType("bot_stream").filter((frame) => frame.message_id === messageId);
  const last = frames.at(-1);
  let text = "";
  for (const { offset, chunk, is_complete: isLast } of frames) {
    expect(isLast).toBe(offset !== undefined && frames.at(-1)?.offset === offset && isLast);
    if (offset === undefined || isLast) continue;
    if (offset === 0) text = "";
    expect(offset).toBe(text.length);
    text += String(chunk);
  }
  expect(frames.filter((frame) => frame.is_complete)).toEqual(last ? [last] : []);
  expect(last?.full_response).toBe(text);
  return { text, status: last?.status };
}

/** Settles when the answer has ended. */
export async function ends(socket: TestSocket, messageId: number) {
  await socket.next("bot_stream", { is_complete: true, message_id: messageId });
  await socket.settle();
  return textOf(socket, messageId);
}
