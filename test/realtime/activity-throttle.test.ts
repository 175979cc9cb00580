import { expect, test } from "bun:test";
import { ActivityThrottle, type Activity } from "../../src/realtime/activity-throttle.ts";

const activity = (chatId: number, seq: number): Activity => ({
  chatId,
  seq,
  position: { seq },
  text: () => `${chatId}:${seq}`,
});

test("of many chats, the first activity goes out at once, and the newest of the rest together, each once", async () => {
  const chats = Array.from({ length: 600 }, (_, chatId) => chatId);
  const sent = new Map<number, number[]>(chats.map((chatId) => [chatId, []]));
  const all = Promise.withResolvers<void>();
  let batches = 0;
  const throttle = new ActivityThrottle((activities) => {
    batches += 1;
    for (const { chatId, seq } of activities) sent.get(chatId)?.push(seq);
    if (sent.values().every((seqs) => seqs.length === 2)) all.resolve();
  }, 40);
  for (const chatId of chats) throttle.note(activity(chatId, 1));
  expect([...sent.values()]).toEqual(chats.map(() => [1]));
  batches = 0;
  for (const seq of [3, 2]) for (const chatId of chats) throttle.note(activity(chatId, seq));
  expect(batches).toBe(0);
  await all.promise;
  expect([...sent.values()]).toEqual(chats.map(() => [1, 3]));
  expect(batches).toBeLessThan(chats.length / 2);
});
