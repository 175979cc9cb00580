// A room whose frames are read from the log shows the same reactions in the end, and in the same order, as one that was sent them
// live, although these frames have the messages in their latest state.
import { expect, test } from "bun:test";
import { withReaction } from "../../src/client/reactions.ts";
import { reactionsBefore } from "../../src/log/earlier-reactions.ts";
import { insertMessages } from "../../src/log/insert.ts";
import { createReadLog } from "../../src/log/replay.ts";
import { storeReactions } from "../../src/reactions/queries.ts";
import { MessageFrame, MessageUpdatedFrame, ReactionFrame } from "../../src/wire/frames.ts";
import type { Message } from "../../src/wire/messages.ts";
import { createRandom } from "../whole/faults/random.ts";
import { answerAndHang, say } from "../world/gemini/script.ts";
import { newMessage } from "../world/new-message.ts";
import { useWorld, type Person } from "../world/world.ts";

const world = useWorld({ durations: { gapMs: 20 } });

const blank = newMessage({
  ...{ id: 1, chat_id: 1, seq: 1, updated_seq: 1, user_id: 1, username: "ann", content: "hi" },
  created_at: "2026-11-22T10:15:30.123Z",
});

/** The reactions to a message that a client shows after the frames about it. */
function shownAfter(frames: readonly { type: string }[]) {
  return frames.reduce((held: Message, frame) => {
    if (frame.type === "reaction") return withReaction(held, ReactionFrame.parse(frame));
    const schema = frame.type === "message" ? MessageFrame : MessageUpdatedFrame;
    return { ...held, reactions: schema.parse(frame).reactions };
  }, blank).reactions;
}

/** An emoji that disappears and comes back before another one appears. */
const steps = (ann: Person, ben: Person) => [
  { userId: ann.id, emoji: "👍", on: true },
  { userId: ann.id, emoji: "👍", on: false },
  { userId: ann.id, emoji: "👍", on: true },
  { userId: ben.id, emoji: "🎉", on: true },
  { userId: ben.id, emoji: "👍", on: true },
];

test.each([0, 1, 2, 4])("read from number %i on", async (after) => {
  const [ann, ben] = [await world.person(), await world.person()];
  const chat = await ann.chat({ with: [ben] });
  const { id } = await ann.say(chat.id, "Helo");
  const path = `/api/chats/${chat.id}/messages/${id}`;
  const [first, ...others] = steps(ann, ben);
  const store = async (step: typeof first) =>
    step && (await storeReactions(world.sql, [{ chatId: chat.id, messageId: id, ...step }]));
  await store(first);
  await ann.api("PATCH", path, { content: "Hello" });
  for (const step of others) await store(step);
  const { frames } = await createReadLog(world.sql)(chat.id, after, 100);
  const read = frames.toSorted((a, b) => a.seq - b.seq).map(({ text }) => JSON.parse(text));
  expect(read).toHaveLength(7 - after);
  const { body: loaded } = await ann.api("GET", path);
  expect(loaded.reactions).toEqual([
    { emoji: "👍", count: 2, user_ids: [ann.id, ben.id] },
    { emoji: "🎉", count: 1, user_ids: [ben.id] },
  ]);
  if (after < 3) expect(shownAfter(read)).toEqual(loaded.reactions);
  expect(read.find(({ type }) => type === "message_updated")?.reactions ?? []).toEqual(
    after < 3 ? [{ emoji: "👍", count: 1, user_ids: [ann.id] }] : [],
  );
});

test("of an answer that was deleted since, no frame before its last one says that it has ended", async () => {
  const ann = await world.person();
  const chat = await ann.chat();
  const socket = await ann.joined(chat.id);
  world.gemini.respondWith(answerAndHang(say("Because")));
  await ann.say(chat.id, "/bot why?");
  const { message_id: id } = await socket.next("bot_stream", { chunk: "Because" });
  const path = `/api/chats/${chat.id}/messages/${id}`;
  expect((await ann.api("PUT", `${path}/reactions/${encodeURIComponent("🎉")}`)).status).toBe(200);
  expect((await ann.api("DELETE", path)).status).toBe(200);
  const { frames } = await createReadLog(world.sql)(chat.id, 2, 100);
  const read = frames.toSorted((a, b) => a.seq - b.seq).map(({ text }) => JSON.parse(text));
  expect(read.map(({ type, status, is_complete }) => [type, status, is_complete])).toEqual([
    ["message_updated", "streaming", undefined],
    ["bot_stream", "stopped", true],
    ["message_updated", "stopped", undefined],
  ]);
});

test("after a message that nobody was shown before its sender repeated it", async () => {
  const [ann, ben] = [await world.person(), await world.person()];
  const chat = await ann.chat({ with: [ben] });
  const socket = await ben.joined(chat.id);
  const message = { chatId: chat.id, userId: ann.id, username: ann.username, content: "hello" };
  await insertMessages(world.sql, [{ ...message, clientId: "one", runId: undefined }], {
    leaseSeconds: 60,
  });
  const { body } = await ann.api("GET", `/api/chats/${chat.id}/messages`);
  const ids = { chatId: chat.id, messageId: body[0].id };
  for (const step of steps(ann, ben)) await storeReactions(world.sql, [{ ...ids, ...step }]);
  await ann.say(chat.id, "hello", "one");
  await ann.say(chat.id, "next");
  await socket.next("message", { content: "next" });
  const about = socket.frames.filter(
    ({ type, content }) => type === "reaction" || (type === "message" && content === "hello"),
  );
  expect(about).toHaveLength(6);
  const { body: loaded } = await ann.api("GET", `/api/chats/${chat.id}/messages/${body[0].id}`);
  expect(shownAfter(about)).toEqual(loaded.reactions);
});

test("whatever the reactions are, and from whichever of them on they are read", () => {
  const random = createRandom("reactions");
  for (let round = 0; round < 2_000; round += 1) {
    const states = [blank];
    const changes = Array.from({ length: random.int(1, 12) }, () => {
      const held = states.at(-1) ?? blank;
      const change = { emoji: random.pick(["👍", "🎉", "❤️"]), user_id: random.int(1, 4) };
      const now = held.reactions.find(({ emoji }) => emoji === change.emoji);
      const on = now?.user_ids.includes(change.user_id) !== true;
      const made = { ...change, on, count: (now?.count ?? 0) + (on ? 1 : -1) };
      states.push(withReaction(held, made));
      return made;
    });
    const [last, from] = [states.at(-1) ?? blank, random.int(0, changes.length)];
    const later = changes.slice(from);
    const before = reactionsBefore(last.reactions, later.toReversed());
    const byEmoji = (reactions: Message["reactions"]) =>
      reactions
        .map(({ emoji, count, user_ids }) => `${emoji} ${count} ${user_ids.toSorted().join()}`)
        .toSorted();
    expect(byEmoji(before)).toEqual(byEmoji(states[from]?.reactions ?? []));
    const after = later.reduce(withReaction, { ...blank, reactions: before });
    expect(after.reactions).toEqual(last.reactions);
  }
});
