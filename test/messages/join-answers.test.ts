// Joining a room in which an answer is running: the text so far, then chunks that fit exactly.
import { beforeAll, beforeEach, expect, test } from "bun:test";
import { answer, finish, pause, say, until } from "../world/gemini/script.ts";
import type { Frame, TestSocket } from "../world/socket.ts";
import { useWorld, type Person } from "../world/world.ts";

const world = useWorld();
let ann: Person;
let ben: Person;
let chatId: number;
beforeAll(async () => {
  ann = await world.person("ann");
  ben = await world.person("ben");
});
beforeEach(async () => {
  chatId = (await ann.chat({ with: [ben] })).id;
});

/** An answer that waits between its pieces until it is let on. */
function gated(...pieces: string[]) {
  const gates = pieces.map(() => Promise.withResolvers<void>());
  const steps = pieces.flatMap((piece, index) => [
    say(piece),
    until(gates[index]?.promise ?? Promise.resolve()),
  ]);
  return { script: answer(...steps, finish()), gates };
}

/** Asks in a room and waits for the first piece. */
async function ask(watcher: TestSocket, ...pieces: string[]) {
  const { script, gates } = gated(...pieces);
  world.gemini.respondWith(script);
  const { id: questionId } = await ann.say(chatId, "/bot go on");
  const { message_id, seq } = await watcher.next("bot_stream", { answer_to: questionId });
  await watcher.next("bot_stream", { message_id, chunk: pieces[0] });
  return { messageId: Number(message_id), seq: Number(seq), gates };
}

/** The text as a client puts it together. Fails where a chunk doesn't fit, or anything comes after the last one. */
function textOf(frames: Frame[], messageId: number): { text: string; ended: Frame | undefined } {
  let text = "";
  let ended: Frame | undefined;
  for (const frame of frames.filter(({ type }) => type === "bot_stream")) {
    if (frame.message_id !== messageId) continue;
    expect(ended).toBeUndefined();
    if (frame.is_complete) {
      expect(frame).toMatchObject({ full_response: text, offset: text.length, chunk: "" });
      ended = frame;
    } else {
      if (frame.offset === 0) text = "";
      expect(frame.offset).toBe(text.length);
      text += frame.chunk;
    }
  }
  return { text, ended };
}

const snapshot = (message_id: number, chunk: string) => ({
  type: "bot_stream",
  chat_id: chatId,
  message_id,
  chunk,
  is_complete: false,
  offset: 0,
});

const streams = (frames: Frame[]) => frames.filter(({ type }) => type === "bot_stream");

test("joined is followed by all text so far, and later chunks go on from there", async () => {
  const watcher = await ann.joined(chatId);
  const { messageId, gates } = await ask(watcher, "Grüße, ", "世界 🙂", "!");
  gates[0]?.resolve();
  await watcher.next("bot_stream", { chunk: "世界 🙂" });
  const late = await ben.joined(chatId);
  await late.settle();
  expect(streams(late.frames)).toEqual([snapshot(messageId, "Grüße, 世界 🙂")]);
  gates[1]?.resolve();
  gates[2]?.resolve();
  const last = await late.next("bot_stream", { is_complete: true });
  expect(last).toMatchObject({ full_response: "Grüße, 世界 🙂!", status: "complete" });
  expect(textOf(late.frames, messageId)).toEqual({ text: "Grüße, 世界 🙂!", ended: last });
});

test("with an after_seq below the answer its message comes first, as it streams", async () => {
  const watcher = await ann.joined(chatId);
  const { messageId, seq, gates } = await ask(watcher, "First");
  const late = await ben.joined(chatId, 0);
  await late.settle();
  expect(
    late.frames.filter(({ type }) => type !== "pong" && type !== "chat_activity"),
  ).toMatchObject([
    { type: "message", content: "/bot go on", seq: seq - 1 },
    {
      type: "message",
      message_id: messageId,
      is_bot: true,
      status: "streaming",
      seq,
      updated_seq: seq,
    },
    { type: "joined", last_seq: seq, recovered: true },
    snapshot(messageId, "First"),
  ]);
  gates[0]?.resolve();
  await late.next("bot_stream", { is_complete: true });
  expect(textOf(late.frames, messageId).text).toBe("First");
});

test("a reader that was cut in the middle of an answer and is back in the middle has its whole text", async () => {
  const watcher = await ann.joined(chatId);
  const reader = await ben.joined(chatId);
  const { messageId, seq, gates } = await ask(watcher, "One ", "two ", "three.");
  await reader.next("bot_stream", { chunk: "One " });
  await reader.close();
  gates[0]?.resolve();
  await watcher.next("bot_stream", { chunk: "two " });
  const back = await ben.joined(chatId, seq);
  await back.settle();
  expect(back.ofType("message")).toEqual([]);
  expect(streams(back.frames)).toEqual([snapshot(messageId, "One two ")]);
  gates[1]?.resolve();
  gates[2]?.resolve();
  await back.next("bot_stream", { is_complete: true });
  expect(textOf(back.frames, messageId).text).toBe("One two three.");
});

test("a reader that was cut in the middle of an answer and is back after its end gets its message once", async () => {
  const watcher = await ann.joined(chatId);
  const reader = await ben.joined(chatId);
  const { messageId, seq, gates } = await ask(watcher, "One ", "two.");
  await reader.next("bot_stream", { chunk: "One " });
  await reader.close();
  for (const gate of gates) gate.resolve();
  const last = await watcher.next("bot_stream", { is_complete: true });
  const back = await ben.joined(chatId, seq);
  await back.settle();
  expect(back.ofType("message")).toMatchObject([
    {
      message_id: messageId,
      content: "One two.",
      status: "complete",
      seq,
      updated_seq: Number(last.updated_seq),
    },
  ]);
  expect(streams(back.frames)).toEqual([]);
});

test("of several running answers in a room each is shown, oldest first, and none of another room", async () => {
  const watcher = await ann.joined(chatId);
  const first = await ask(watcher, "first");
  const second = await ask(watcher, "second");
  const late = await ben.joined(chatId);
  const other = await ann.chat();
  // Its log reaches as far as this one's.
  for (const content of ["1", "2", "3", "4", "5"]) await ann.say(other.id, content);
  const elsewhere = await ann.joined(other.id);
  await Promise.all([late.settle(), elsewhere.settle()]);
  expect(streams(late.frames)).toEqual([
    snapshot(first.messageId, "first"),
    snapshot(second.messageId, "second"),
  ]);
  expect(streams(elsewhere.frames)).toEqual([]);
  for (const gate of [...first.gates, ...second.gates]) gate.resolve();
});

test("a socket that joins again in the middle of an answer can put its text together again", async () => {
  const watcher = await ann.joined(chatId);
  const { messageId, gates } = await ask(watcher, "One ", "two.");
  await watcher.ask({ type: "join", chat_id: chatId });
  for (const gate of gates) gate.resolve();
  await watcher.next("bot_stream", { is_complete: true });
  expect(textOf(watcher.frames, messageId).text).toBe("One two.");
});

test("whenever somebody joins while an answer runs, its chunks fit and end with the same text", async () => {
  const pieces = Array.from(
    { length: 25 },
    (_, index) => `${["a", "ñ", "世", "🙂"][index % 4]}${index} `,
  );
  const watcher = await ann.joined(chatId);
  world.gemini.respondWith(answer(...pieces.flatMap((piece) => [pause(3), say(piece)]), finish()));
  const { id: questionId } = await ann.say(chatId, "/bot count");
  const { message_id, seq } = await watcher.next("bot_stream", { answer_to: questionId });
  const readers: { socket: TestSocket; afterSeq: number | undefined }[] = [];
  for (let ended = false; !ended;) {
    const afterSeq = [undefined, 0, Number(seq)][readers.length % 3];
    const [socket, frame] = await Promise.all([
      ben.joined(chatId, afterSeq),
      watcher.next("bot_stream", { message_id }),
    ]);
    readers.push({ socket, afterSeq });
    ended = frame.is_complete === true;
  }
  const whole = pieces.join("");
  let during = 0;
  for (const { socket, afterSeq } of readers) {
    await socket.settle();
    const { text, ended } = textOf(socket.frames, Number(message_id));
    const stored = socket.ofType("message").find((frame) => frame.message_id === message_id);
    if (ended) {
      during += 1;
      expect(text).toBe(whole);
    } else if (afterSeq !== undefined) {
      // It joined after the end: the message has all.
      expect(stored).toMatchObject({ content: whole, status: "complete" });
    }
  }
  expect(during).toBeGreaterThan(0);
});
