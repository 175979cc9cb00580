// Joining a room while an answer has ended that others were shown, and its last frame waits for a frame before it.
import { expect, test } from "bun:test";
import { joinRoom } from "../../src/messages/join.ts";
import { TestListener } from "../realtime/listeners.ts";
import { answer, finish, say, until } from "../world/gemini/script.ts";
import { useWorld } from "../world/world.ts";

const world = useWorld({ durations: { gapMs: 60_000 } });

test("whoever joins is shown the whole text of an answer whose last frame is still to come, and nobody afterwards", async () => {
  const ann = await world.person("ann");
  const ben = await world.person("ben");
  const { id: chatId } = await ann.chat({ with: [ben] });
  const watcher = await ann.joined(chatId);
  const end = Promise.withResolvers<void>();
  world.gemini.respondWith(answer(say("The whole."), until(end.promise), finish()));

  const { ctx } = world;
  const read = Promise.withResolvers<void>();
  const grouped: typeof ctx.grouped = {
    ...ctx.grouped,
    async readJoin(wanted) {
      const found = await ctx.grouped.readJoin(wanted);
      read.resolve();
      return found;
    },
  };
  const caller = {
    ...{ id: ben.id, username: "ben", sessionId: crypto.randomUUID(), expiresAtMs: Infinity },
    source: { address: "127.0.0.1", userAgent: null },
  };
  const signedIn = Promise.withResolvers<void>();
  const listener = new TestListener(ben.id, new Map(), false);
  const request = { chatId, afterSeq: undefined, requestId: undefined };
  const joining = joinRoom({ ...ctx, grouped }, caller, listener, {
    ...request,
    signedIn: signedIn.promise,
  });
  await read.promise;

  const { id: questionId } = await ann.say(chatId, "/bot go on");
  const { message_id } = await watcher.next("bot_stream", { answer_to: questionId });
  await watcher.next("bot_stream", { chunk: "The whole." });
  // A number is given, and its frame does not come.
  await world.sql`update chats set last_seq = last_seq + 1 where id = ${chatId}`;
  const run = ctx.answers.find(Number(message_id));
  end.resolve();
  await run?.done;
  signedIn.resolve();
  await joining;
  const whole = { type: "bot_stream", chat_id: chatId, message_id, offset: 0, chunk: "The whole." };
  expect(listener.sent.filter(({ chunk }) => chunk === "The whole.")).toMatchObject([whole]);
  expect(listener.sent.filter(({ is_complete }) => is_complete)).toEqual([]);

  // The number is looked for in the log, where it left no trace.
  const missing = ctx.realtime.rooms.position(chatId) ?? 0;
  ctx.realtime.toRoom({
    ...{ type: "chat_updated", chat_id: chatId, updated_seq: missing + 1 },
    chat: (await ann.api("GET", `/api/chats/${chatId}`)).body,
  });
  await watcher.next("bot_stream", { is_complete: true });
  expect(ctx.answers.inChat(chatId, Infinity)).toEqual([]);
});
