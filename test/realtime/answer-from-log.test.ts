// An answer whose last frame has to be read from the log: its chunks are in none.
import { expect, test } from "bun:test";
import { pino } from "pino";
import { Sequencer } from "../../src/realtime/sequencer.ts";
import type { DurableFrame } from "../../src/wire/frames.ts";
import type { FrameText } from "../../src/wire/frame-text.ts";
import { numberedFrame, type NumberedFrame } from "../../src/wire/numbered-frames.ts";
import { chatId, frame, settle } from "./frames.ts";

const answerId = 42;

function lastFrame(number: number, text: string): DurableFrame {
  return {
    type: "bot_stream",
    chat_id: chatId,
    message_id: answerId,
    chunk: "",
    is_complete: true,
    offset: text.length,
    full_response: text,
    status: "complete",
    updated_seq: number,
    usage: null,
  };
}

/** Texts that are shown once the log, which has the frame, has been read up to it. */
async function shown(inLog: DurableFrame, live: DurableFrame[]) {
  const texts: unknown[] = [];
  const { promise: done, resolve } = Promise.withResolvers<void>();
  const sequencer = new Sequencer<NumberedFrame, FrameText>({
    chatId,
    release({ text }) {
      texts.push(JSON.parse(text));
      resolve();
    },
    releaseUnnumbered: (text) => void texts.push(JSON.parse(text.text)),
    readLog: async () => ({ lastSeq: 2, frames: [numberedFrame(inLog)] }),
    log: pino({ level: "silent" }),
  });
  sequencer.start(0);
  for (const frame of live) sequencer.offer(numberedFrame(frame));
  sequencer.expect(2);
  await done;
  sequencer.close();
  return texts;
}

test("it is shown whole before its last frame", async () => {
  const last = lastFrame(2, "The whole.");
  expect(await shown(last, [])).toEqual([
    {
      type: "bot_stream",
      chat_id: chatId,
      message_id: answerId,
      chunk: "The whole.",
      is_complete: false,
      offset: 0,
    },
    last,
  ]);
});

test("it is not shown again where its last frame came and only had to wait", async () => {
  const last = lastFrame(2, "The whole.");
  expect(await shown(last, [last])).toEqual([last]);
});

test("an answer without a word takes back what was shown of it", async () => {
  const last = lastFrame(2, "");
  expect(await shown(last, [])).toMatchObject([{ chunk: "", offset: 0, is_complete: false }, last]);
});

test("it is not shown again where its last frame was sent while the log was read", async () => {
  const last = lastFrame(2, "The whole.");
  const texts: unknown[] = [];
  const read = Promise.withResolvers<void>();
  const begun = Promise.withResolvers<void>();
  const sequencer = new Sequencer<NumberedFrame, FrameText>({
    chatId,
    release: ({ text }) => void texts.push(JSON.parse(text)),
    releaseUnnumbered: (text) => void texts.push(JSON.parse(text.text)),
    async readLog() {
      begun.resolve();
      await read.promise;
      return { lastSeq: 2, frames: [frame(1), last].map((found) => numberedFrame(found)) };
    },
    log: pino({ level: "silent" }),
    gapMs: 1,
  });
  sequencer.start(0);
  sequencer.expect(2);
  await begun.promise;
  for (const live of [frame(1), last]) sequencer.offer(numberedFrame(live));
  read.resolve();
  await settle();
  expect(texts).toEqual([frame(1), last]);
  expect(sequencer.waitingCount).toBe(0);
  sequencer.close();
});
