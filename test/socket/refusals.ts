import { expect } from "bun:test";
import type { TestSocket } from "../world/socket.ts";

/** No chat and no message has it. */
export const nowhere = 999_999;
export const badIds = [undefined, null, 0, -1, 1.5, "1", true, [1], { id: 1 }, 2 ** 53];

/** Fails unless the frame gets one error with the code `invalid`, whose detail can be shown to a person. */
export async function expectInvalid(socket: TestSocket, frame: Record<string, unknown>) {
  const reply = await socket.ask(frame);
  const what = JSON.stringify(frame);
  expect({ what, ...reply }).toMatchObject({ what, type: "error", code: "invalid" });
  expect(reply.detail).toMatch(/\S/);
  expect([undefined, frame.chat_id]).toContain(reply.chat_id);
}

/** Fails unless the frame gets the error that a chat gets that doesn't exist. */
export async function expectNotFound(
  socket: TestSocket,
  frame: { chat_id: number; [member: string]: unknown },
) {
  expect(await socket.ask(frame)).toEqual({
    type: "error",
    request_id: expect.any(String),
    chat_id: frame.chat_id,
    code: "not_found",
    detail: "There is no such chat, or you are not in it.",
  });
}
