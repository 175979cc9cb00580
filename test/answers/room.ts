// A room with two people, and what a joined socket was shown of an answer, held against what is true of every answer.
import { expect } from "bun:test";
import type { z } from "zod";
import type { ReceivedRequest } from "../world/gemini/server.ts";
import { BotStreamFirstFrame, BotStreamFrame, BotStreamLastFrame } from "../../src/wire/frames.ts";
import type { TestSocket } from "../world/socket.ts";
import type { World } from "../world/world.ts";

/** Two people in a room, both listening. `more` goes into the new chat. */
export async function room(world: World, more: Record<string, unknown> = {}) {
  const anna = await world.person("anna");
  const ben = await world.person("ben");
  const chat = await anna.chat({ with: [ben], ...more });
  return {
    chat,
    anna,
    ben,
    annas: await anna.joined(chat.id),
    bens: await ben.joined(chat.id),
    messages: async () => (await anna.api("GET", `/api/chats/${chat.id}/messages`)).body,
  };
}

/** The newest request that reached the scripted Gemini. */
export function lastRequest(world: World): ReceivedRequest {
  const request = world.gemini.requests.at(-1);
  if (!request) throw new Error("the model was not asked");
  return request;
}

export type EndedStatus = z.infer<typeof BotStreamLastFrame>["status"];

/** Waits for the next last frame (of an answer, if its id is given), and until nothing can come after it any more. */
export async function answerEnds(socket: TestSocket, messageId?: number) {
  const last = BotStreamLastFrame.parse(
    await socket.next("bot_stream", {
      is_complete: true,
      ...(messageId === undefined ? {} : { message_id: messageId }),
    }),
  );
  await socket.settle();
  return shownAnswer(socket, last.message_id);
}

/**
 * An answer whose first and last frame have come: an empty first frame with its number, chunks that are whole at their
 * offsets, one last frame with all the text, nothing after it, and no member that the contract does not name.
 */
export function shownAnswer(socket: TestSocket, messageId: number) {
  const frames = socket.ofType("bot_stream").filter((frame) => frame.message_id === messageId);
  const first = BotStreamFirstFrame.strict().parse(frames.at(0));
  const last = BotStreamLastFrame.strict().parse(frames.at(-1));
  const chunks = frames.slice(1, -1).map((frame) => BotStreamFrame.strict().parse(frame));
  let text = "";
  for (const { offset, chunk } of chunks) {
    expect(offset).toBe(text.length);
    expect(chunk).not.toBe("");
    text += chunk;
  }
  expect(last.full_response).toBe(text);
  expect(last.offset).toBe(text.length);
  expect(last.updated_seq).toBeGreaterThan(first.seq);
  return { messageId, first, chunks, last, text };
}
