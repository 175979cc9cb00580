// Answers that run on other servers, in rooms of this one.
import { expect, test } from "bun:test";
import { AnswersElsewhere } from "../../src/realtime/answers-elsewhere.ts";
import { startLink } from "./fake-bus.ts";
import { chatId, settle, silent } from "./frames.ts";
import { begin, startWorld } from "./listeners.ts";

const answer = { id: 42, createdAt: "2026-11-22T10:15:30.123Z" };

/** A chat whose log reaches to 5, and an answer that has begun with number 2. */
function start() {
  const world = startWorld(5);
  const { link } = startLink();
  const database = { isStreaming: true, replies: [] as (() => void)[] };
  const here = { attempt: undefined as number | undefined, takenOver: [] as number[] };
  const answers = new AnswersElsewhere({
    link,
    rooms: world.rooms,
    // It finds what is there when it is asked, and its reply takes its time.
    isStreaming(): Promise<boolean> {
      const { promise, resolve } = Promise.withResolvers<boolean>();
      const { isStreaming } = database;
      database.replies.push(() => resolve(isStreaming));
      return promise;
    },
    attemptHere: (id) => (id === answer.id ? here.attempt : undefined),
    onTakenOver: (id) => void here.takenOver.push(id),
    log: silent,
  });
  world.rooms.share({
    leftHeldMs: 0,
    opened: () => Promise.resolve(),
    closed: (id) => answers.close(id),
    moved() {},
    released: (id, frame) => answers.released(id, frame),
  });
  return {
    ...world,
    ...{ answers, database, here },
    async reply() {
      for (const reply of database.replies.splice(0)) reply();
      await settle();
    },
    piece(chunk: string, offset = 0) {
      const frame = { type: "bot_stream", chat_id: chatId, message_id: answer.id, chunk };
      answers.receive(
        {
          ...{ kind: "chunk", v: 1, from: "another-server", n: 1, chat: chatId, ...answer },
          ...{ attempt: 1, after: 2, offset, length: offset + chunk.length },
        },
        JSON.stringify({ ...frame, is_complete: false, offset }),
      );
    },
  };
}

test("an answer that ends before a room starts is not shown as running, though it was looked up before", async () => {
  const world = start();
  const listener = world.listener(1);
  const join = begin(world, listener);
  world.piece("The wh");
  // The log that the room starts with has the end of the answer.
  world.database.isStreaming = false;
  await join.end();
  await world.reply();
  expect(world.answers.inChat(chatId, 5)).toEqual([]);
  expect(listener.sent.map(({ type }) => type)).toEqual(["joined"]);
  world.piece("ole.", 6);
  expect(listener.sent).toHaveLength(1);
});

test("an answer that runs is shown to whoever opens the room, with the pieces that came meanwhile", async () => {
  const world = start();
  const listener = world.listener(1);
  const join = begin(world, listener);
  world.piece("The wh");
  await join.end();
  world.piece("ole", 6);
  await world.reply();
  world.piece(".", 9);
  expect(listener.sent.slice(1)).toMatchObject([
    { type: "bot_stream", chunk: "The whole", offset: 0 },
    { type: "bot_stream", chunk: ".", offset: 9 },
  ]);
});

test("an answer is not looked up whose beginning the room has yet to show", async () => {
  const world = start();
  const first = world.listener(1);
  await world.join(first);
  const frame = { type: "bot_stream", chat_id: chatId, message_id: answer.id } as const;
  world.answers.receive(
    {
      ...{ kind: "chunk", v: 1, from: "another-server", n: 1, chat: chatId, ...answer },
      ...{ attempt: 1, after: 6, offset: 0, length: 3 },
    },
    JSON.stringify({ ...frame, chunk: "The", is_complete: false, offset: 0 }),
  );
  world.publish((seq) => ({
    ...{ ...frame, chunk: "", is_complete: false, offset: 0, seq },
    ...{ answer_to: 41, created_at: answer.createdAt },
  }));
  expect(world.database.replies).toEqual([]);
  expect(first.sent.slice(1)).toMatchObject([{ seq: 6 }, { chunk: "The" }]);
});

test("an answer that runs here is given up when the room is told that it has ended on another server", async () => {
  const world = start();
  await world.join(world.listener(1));
  world.here.attempt = 1;
  world.publish((updated_seq) => ({
    ...{ type: "bot_stream", chat_id: chatId, message_id: answer.id, chunk: "", is_complete: true },
    ...{ offset: 4, full_response: "Text", status: "complete", updated_seq, usage: null },
  }));
  expect(world.here.takenOver).toEqual([answer.id]);
});
