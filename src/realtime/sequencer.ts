// The durable frames of one chat leave in the order of their numbers. Commits happen in that order, but their
// replies come back on several connections and may be lost: number n+1 waits for n, and a gap that stays is read
// from the log. Kept only while somebody listens.
import type { Logger } from "pino";
import type { Metrics } from "../observability/metrics/metrics.ts";
import { numberOf, type DurableFrame } from "../wire/frames.ts";
import { wholeText } from "./join-buffer.ts";

const gapMs = 250;
/** Frames kept in memory behind a gap; what comes beyond is read from the log. */
const pendingMax = 1_000;
const repairPageSize = 500;

/** Reads the durable frames with numbers above `after`, in order; numbers that left no trace are left out. */
export type ReadLog = (
  chatId: number,
  after: number,
  limit: number,
) => Promise<{ lastSeq: number; frames: DurableFrame[] }>;

export interface Sequencer {
  /** The number of the last released frame; undefined until {@link start}. */
  readonly position: number | undefined;
  /** Frames that are kept behind a gap. */
  readonly waitingCount: number;
  /** Everything up to `position` counts as released. Does nothing when already started. */
  start(position: number): void;
  /** Takes a durable frame: it is released in its turn, or dropped if its number was released before. */
  offer(frame: DurableFrame): void;
  /** Takes a passing frame that must not overtake number `after`. */
  offerAfter(after: number, text: string): void;
  /** Says that the log reaches to `number`, so that even a lost last frame is noticed. */
  expect(number: number): void;
  /** Once started: settles when all up to `number`, to which the log reaches, is released, or with {@link close}. */
  reach(number: number): Promise<void>;
  close(): void;
}

export function createSequencer({
  chatId,
  release,
  releasePassing,
  readLog,
  log,
  metrics,
}: {
  chatId: number;
  release: (frame: DurableFrame) => void;
  releasePassing: (text: string) => void;
  readLog: ReadLog;
  log: Logger;
  metrics?: Pick<Metrics, "frameDropped" | "gapRead">;
}): Sequencer {
  const pending = new Map<number, DurableFrame>();
  const passing = new Map<number, string[]>();
  let passingCount = 0;
  let awaited: { number: number; resolve: () => void }[] = [];
  let position: number | undefined;
  let target = 0;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let repairing = false;
  let closed = false;

  function advance() {
    while (position !== undefined && !closed) {
      const frame = pending.get(position + 1);
      if (frame === undefined) break;
      moveTo(position + 1, frame);
    }
    settleReached();
    watchGap();
  }

  function moveTo(number: number, frame: DurableFrame | undefined) {
    position = number;
    pending.delete(number);
    if (frame !== undefined) release(frame);
    const waiting = passing.get(number);
    if (waiting === undefined) return;
    passing.delete(number);
    passingCount -= waiting.length;
    for (const text of waiting) releasePassing(text);
  }

  function settleReached() {
    if (awaited.length === 0) return;
    const reached = closed ? Infinity : (position ?? 0);
    for (const { number, resolve } of awaited) if (number <= reached) resolve();
    awaited = awaited.filter(({ number }) => number > reached);
  }

  function watchGap() {
    const gap = !closed && position !== undefined && position < target;
    if (!gap) {
      clearTimeout(timer);
      timer = undefined;
    } else if (timer === undefined && !repairing) {
      const stuckAt = position;
      timer = setTimeout(() => void repair(stuckAt), gapMs);
    }
  }

  function expect(number: number) {
    target = Math.max(target, number);
    watchGap();
  }

  function offerAfter(after: number, text: string) {
    if (closed) return;
    if (position !== undefined && after <= position) return releasePassing(text);
    if (passingCount >= pendingMax) {
      metrics?.frameDropped("gap");
      return;
    }
    passingCount += 1;
    passing.getOrInsertComputed(after, () => []).push(text);
  }

  async function repair(stuckAt: number | undefined) {
    timer = undefined;
    if (position === stuckAt && position !== undefined) {
      repairing = true;
      try {
        await readGap(position);
      } catch (error) {
        log.warn({ err: error, chatId, position }, "a gap could not be read from the log yet");
      }
      repairing = false;
    }
    advance();
  }

  async function readGap(after: number) {
    const { lastSeq, frames } = await readLog(chatId, after, repairPageSize);
    if (closed) return;
    const readTo = Math.min(lastSeq, after + repairPageSize);
    metrics?.gapRead();
    log.info({ chatId, after, readTo }, "a gap was read from the log");
    for (const frame of frames) {
      const number = numberOf(frame);
      // Chunks are in no log: another server may have shown them, or this one what was not kept.
      const isLast = frame.type === "bot_stream" && frame.is_complete;
      if (isLast && !pending.has(number)) offerAfter(number - 1, wholeText(frame));
      pending.set(number, frame);
    }
    while (position !== undefined && position < readTo && !closed) {
      moveTo(position + 1, pending.get(position + 1));
    }
  }

  return {
    get position() {
      return position;
    },
    get waitingCount() {
      return pending.size + passingCount;
    },
    start(startPosition) {
      if (position !== undefined) return;
      position = startPosition;
      for (const number of pending.keys()) if (number <= startPosition) pending.delete(number);
      for (const number of passing.keys()) if (number <= startPosition) passing.delete(number);
      passingCount = passing.values().reduce((sum, texts) => sum + texts.length, 0);
      advance();
    },
    offer(frame) {
      const number = numberOf(frame);
      if (closed || (position !== undefined && number <= position)) return;
      target = Math.max(target, number);
      if (pending.size < pendingMax || number === (position ?? 0) + 1) pending.set(number, frame);
      advance();
    },
    offerAfter,
    expect,
    reach(number) {
      if (closed || position === undefined || number <= position) return Promise.resolve();
      const { promise, resolve } = Promise.withResolvers<void>();
      awaited.push({ number, resolve });
      expect(number);
      return promise;
    },
    close() {
      closed = true;
      clearTimeout(timer);
      settleReached();
      pending.clear();
      passing.clear();
    },
  };
}
