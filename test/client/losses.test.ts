// A room's reaction to single frames that are lost, duplicated or late.
import { afterEach, beforeAll, beforeEach, expect, test } from "bun:test";
import { startFaultProxy, type Direction, type FaultProxy } from "gemini-coop/client/faults";
import { answer, finish, say, until as holdUntil } from "../world/gemini/script.ts";
import { replayBytesMax } from "../../src/wire/frames.ts";
import { useWorld } from "../world/world.ts";
import { createPeople, until, untilLive, type People } from "./people.ts";

const timing = { replyMs: 150 };
const world = useWorld();
let people: People;
let proxy: FaultProxy;
beforeAll(async () => {
  people = createPeople(world);
});
beforeEach(async () => {
  proxy = await startFaultProxy({ target: world.url });
});
afterEach(async () => {
  people.closeAll();
  await proxy.stop();
});

/** A writer on a good line, and a reader behind the proxy, both in a room. */
async function writerAndReader(more = {}) {
  const writer = await people.signedIn();
  const reader = await people.signedIn({ url: proxy.url, timing: { ...timing, ...more } });
  const chat = await writer.api.createChat({
    is_group: true,
    participant_usernames: [reader.name],
  });
  const mine = writer.room(chat.id);
  const theirs = reader.room(chat.id);
  await Promise.all([untilLive(mine), untilLive(theirs)]);
  return { writer, reader, chat, mine, theirs };
}

/** Does a fault to the first messages that contain a text. @returns settles when it was done */
function spoil(
  fault: "drop" | "double" | "reorder",
  direction: Direction,
  part: string,
  times = 1,
): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  let left = times;
  proxy.play({
    [fault]: 1,
    delayMsMax: 30,
    concerns(text, way) {
      if (left === 0 || way !== direction || !text.includes(part)) return false;
      left -= 1;
      if (left === 0) resolve();
      return true;
    },
  });
  return promise;
}

const contents = (messages: readonly { content: string }[]) =>
  messages.map(({ content }) => content);

test("a message is stored once, however often its reply is lost", async () => {
  const { reader, chat, theirs } = await writerAndReader();
  const isLost = spoil("drop", "down", `"type":"`, 4);
  const { settled } = theirs.send("Hello!");
  await isLost;
  expect(await settled).toMatchObject({ ok: true, seq: 1 });
  const { messages, pending } = await until(theirs, (room) => room.messages.length === 1);
  expect(pending).toEqual([]);
  expect(messages).toEqual(await reader.api.listMessages(chat.id));
});

test("a message that does not arrive is sent again, before those after it", async () => {
  const { theirs } = await writerAndReader();
  const isLost = spoil("drop", "up", `"content":"one"`);
  theirs.send("one");
  theirs.send("two");
  await isLost;
  const { messages } = await until(theirs, (room) => room.messages.length === 2);
  expect(contents(messages)).toEqual(["one", "two"]);
});

test("a frame that is lost is noticed by the next one's number", async () => {
  const { mine, theirs } = await writerAndReader();
  const isLost = spoil("drop", "down", `"content":"one"`);
  mine.send("one");
  await isLost;
  mine.send("two");
  const { messages } = await until(theirs, (room) => room.messages.length === 2);
  expect(contents(messages)).toEqual(["one", "two"]);
});

test("a frame that is lost and followed by none is found in a while", async () => {
  const { mine, theirs } = await writerAndReader({ resyncMs: 60 });
  const isLost = spoil("drop", "down", `"type":"message"`);
  mine.send("one");
  await isLost;
  const { messages } = await until(theirs, (room) => room.messages.length === 1);
  expect(contents(messages)).toEqual(["one"]);
});

test("frames that overtake each other are shown in the order of their numbers", async () => {
  // Longer than one is late: else it is asked for, and a replay is shown as it comes.
  const { mine, theirs } = await writerAndReader({ gapMs: 5_000 });
  const isLate = spoil("reorder", "down", `"content":"one"`);
  const shown: string[][] = [];
  theirs.subscribe(() => shown.push(contents(theirs.getSnapshot().messages)));
  mine.send("one");
  mine.send("two");
  await isLate;
  await until(theirs, (room) => room.messages.length === 2);
  expect(shown).not.toContainEqual(["two"]);
});

test("what was missed while there was no socket is caught up, lost replays and all", async () => {
  const { reader, mine, theirs, chat } = await writerAndReader();
  reader.disconnect();
  await until(theirs, ({ state }) => state === "offline");
  for (const content of ["one", "two", "three"]) await mine.send(content).settled;
  const isLost = spoil("drop", "down", `"content":"two"`);
  reader.connect();
  await isLost;
  const { messages } = await until(theirs, (room) => room.messages.length === 3);
  expect(messages).toEqual(await reader.api.listMessages(chat.id));
});

test("a join whose reply is lost is tried again", async () => {
  const { reader, mine, theirs } = await writerAndReader();
  reader.disconnect();
  await until(theirs, ({ state }) => state === "offline");
  const isLost = spoil("drop", "down", `"type":"joined"`);
  reader.connect();
  await isLost;
  await untilLive(theirs);
  mine.send("one");
  await until(theirs, (room) => room.messages.length === 1);
});

test("who is too far behind loads the room anew", async () => {
  const { writer, reader, chat, theirs } = await writerAndReader();
  reader.disconnect();
  await until(theirs, ({ state }) => state === "offline");
  // The room gets more text than a join sends again.
  const large = "x".repeat(16_000);
  for (let bytes = 0; bytes <= replayBytesMax; bytes += large.length) {
    await writer.api.sendMessage(chat.id, large);
  }
  reader.connect();
  const { messages, hasOlder } = await untilLive(theirs);
  expect(messages).toEqual(await reader.api.listMessages(chat.id));
  expect(hasOlder).toBe(true);
});

test("an answer that lacks a chunk is whole again before it ends", async () => {
  const { mine, theirs } = await writerAndReader();
  const goOn = Array.from({ length: 3 }, () => Promise.withResolvers<void>());
  const step = (index: number) => holdUntil(async () => await goOn[index]?.promise);
  world.gemini.respondWith(
    answer(say("One, "), step(0), say("two, "), step(1), say("three."), step(2), finish()),
  );
  mine.send("/bot Count!");
  await until(theirs, ({ messages }) => messages[1]?.content === "One, ");
  const isLost = spoil("drop", "down", `"chunk":"two, "`);
  goOn[0]?.resolve();
  await isLost;
  goOn[1]?.resolve();
  const { messages } = await until(
    theirs,
    (room) => room.messages[1]?.content === "One, two, three.",
  );
  expect(messages[1]?.status).toBe("streaming");
  goOn[2]?.resolve();
  await until(theirs, (room) => room.messages[1]?.status === "complete");
});

test("chunks that come twice are shown once, and after a cut the answer goes on", async () => {
  const { mine, theirs } = await writerAndReader();
  const goOn = Promise.withResolvers<void>();
  const pieces = [say("One, "), holdUntil(() => goOn.promise), say("two."), finish()];
  world.gemini.respondWith(answer(...pieces));
  const isDoubled = spoil("double", "down", `"type":"bot_stream"`, 2);
  const shown = new Set<string>();
  theirs.subscribe(() => shown.add(theirs.getSnapshot().messages[1]?.content ?? ""));
  mine.send("/bot Count!");
  await until(theirs, ({ messages }) => messages[1]?.content === "One, ");
  proxy.cut();
  await until(theirs, ({ state }) => state === "offline");
  goOn.resolve();
  await until(theirs, (room) => room.messages[1]?.status === "complete");
  await isDoubled;
  expect([...shown].every((text) => "One, two.".startsWith(text))).toBe(true);
});

test("a connection that is dead without a trace is noticed, and replaced", async () => {
  const { reader, mine, theirs } = await writerAndReader({ pingMs: 30, replyMs: 60 });
  proxy.freeze();
  const lost = await until(reader.connection, ({ state }) => state === "offline");
  expect(lost.reason).toBe("lost");
  mine.send("one");
  await until(theirs, (room) => room.messages.length === 1);
});
