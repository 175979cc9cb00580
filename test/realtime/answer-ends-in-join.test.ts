// An answer that ends while somebody is joining: its chunks have passed, and its last frame is still to come.
import { expect, test } from "bun:test";
import { chatId } from "./frames.ts";
import { begin, startWorld as start } from "./listeners.ts";

const answerId = 42;

test("a join during which an answer ends brings its whole text before its last frame", async () => {
  const world = start(5);
  const listener = world.listener(1);
  const join = begin(world, listener);
  world.realtime.toRoom({
    type: "bot_stream",
    chat_id: chatId,
    message_id: answerId,
    chunk: "whole.",
    is_complete: false,
    offset: 4,
  });
  world.publish((number) => ({
    type: "bot_stream",
    chat_id: chatId,
    message_id: answerId,
    chunk: "",
    is_complete: true,
    offset: 10,
    full_response: "The whole.",
    status: "complete",
    updated_seq: number,
    usage: null,
  }));
  let ended: ReadonlySet<number> = new Set();
  await join.finish({ lastSeq: 5, memberCount: 2 }, (state) => {
    ended = state.ended;
    listener.greet(5, state);
  });
  expect([...ended]).toEqual([answerId]);
  expect(listener.sent.slice(1)).toEqual([
    {
      type: "bot_stream",
      chat_id: chatId,
      message_id: answerId,
      chunk: "The whole.",
      is_complete: false,
      offset: 0,
    },
    expect.objectContaining({ is_complete: true, full_response: "The whole.", updated_seq: 6 }),
  ]);
});
