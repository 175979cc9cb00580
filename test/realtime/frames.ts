// Durable frames, a log to read them from, and a sequencer that orders them, on a clock that tests move.
import { jest } from "bun:test";
import { pino } from "pino";
import { Sequencer, type ReadLog } from "../../src/realtime/sequencer.ts";
import type { DurableFrame } from "../../src/wire/frames.ts";
import type { FrameText } from "../../src/wire/frame-text.ts";
import { numberedFrame, type NumberedFrame } from "../../src/wire/numbered-frames.ts";
import { newMessage } from "../world/new-message.ts";
import { messageFrame } from "../../src/wire/message-frames.ts";

/** A gap that stays so long is read from the log. */
export const gapMs = 250;
export const chatId = 7;
export const silent = pino({ level: "silent" });

/** A durable frame with a number. */
export function frame(number: number): DurableFrame {
  return messageFrame(
    newMessage({
      id: number,
      chat_id: chatId,
      seq: number,
      updated_seq: number,
      user_id: 1,
      username: "ann",
      content: `message ${number}`,
      created_at: "2026-11-22T10:15:30.123Z",
    }),
  );
}

export function removal(number: number, userId: number): DurableFrame {
  return {
    type: "participant_removed",
    chat_id: chatId,
    user_id: userId,
    username: "somebody",
    updated_seq: number,
  };
}

export const range = (from: number, to: number) =>
  Array.from({ length: Math.max(0, to - from + 1) }, (_, index) => from + index);

/** Lets everything run that waits for no timer. */
export async function settle() {
  for (let turn = 0; turn < 20; turn += 1) await Promise.resolve();
}

/** A chat's log: `lastSeq` numbers, of which the `traceless` left nothing to show. */
export function createLog(lastSeq = 0) {
  const traceless = new Set<number>();
  const reads: { after: number; limit: number }[] = [];
  let failures = 0;
  let gate: Promise<void> | undefined;
  const read: ReadLog<NumberedFrame> = async (_, after, limit) => {
    reads.push({ after, limit });
    if (failures > 0) {
      failures -= 1;
      throw new Error("the database is away");
    }
    const upTo = Math.min(log.lastSeq, after + limit);
    const numbers = range(after + 1, upTo).filter((number) => !traceless.has(number));
    const answer = {
      lastSeq: log.lastSeq,
      frames: numbers.map((number) => numberedFrame(frame(number))),
    };
    await gate;
    return answer;
  };
  const log = {
    lastSeq,
    traceless,
    /** The ranges that were read, in order. */
    reads,
    read,
    fail(times: number) {
      failures = times;
    },
    /** From now on reads, whose contents are as old as their beginning, come to an end only after `open`. */
    hold() {
      const { promise, resolve } = Promise.withResolvers<void>();
      gate = promise;
      return {
        open() {
          gate = undefined;
          resolve();
        },
      };
    },
  };
  return log;
}

export function startSequencer(position: number | "later" = 0, log = createLog()) {
  const out: (number | string)[] = [];
  const sequencer = new Sequencer<NumberedFrame, string | FrameText>({
    chatId,
    release: ({ seq }) => void out.push(seq),
    releaseUnnumbered: (text) => void out.push(typeof text === "string" ? text : text.text),
    readLog: log.read,
    log: silent,
  });
  if (position !== "later") sequencer.start(position);
  return {
    sequencer,
    log,
    /** Everything that has left: numbers and passing frames. */
    out,
    offer: (...numbers: number[]) => {
      for (const number of numbers) sequencer.offer(numberedFrame(frame(number)));
    },
    /** Lets time pass, and everything happen that is due by then. */
    async pass(ms: number) {
      jest.advanceTimersByTime(ms);
      await settle();
    },
  };
}
