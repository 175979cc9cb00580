// The numbered frames of one chat leave in the order of their numbers. Commits happen in that order, but their replies
// come back on several connections and may be lost: number n+1 waits for n, and a gap that stays is read from the log.
// A sequencer exists only while somebody listens.
import type { Logger } from "pino";
import type { Metrics } from "../observability/metrics/metrics.ts";

const defaultGapMs = 250;
/** Frames, texts and callbacks kept in memory behind a gap, each. Frames beyond it are read from the log. */
const waitingMax = 1_000;
const repairPageSize = 500;

/** A frame with its place in the order. The sequencer looks into neither it nor the unnumbered texts between frames. */
export interface Sequenced<Unnumbered> {
  readonly seq: number;
  /** Makes a text that is sent ahead when the frame has to be read from the log: unnumbered texts are not in there. */
  readonly catchUp: (() => Unnumbered) | undefined;
}

/**
 * Reads the frames with numbers above `after`, in any order; numbers that left no trace are left out. Of two frames with the same
 * number the later one in the list counts.
 */
export type ReadLog<Frame> = (
  chatId: number,
  after: number,
  limit: number,
) => Promise<{ lastSeq: number; frames: Frame[] }>;

export interface SequencerOptions<Frame, Unnumbered> {
  chatId: number;
  release: (frame: Frame) => void;
  releaseUnnumbered: (text: Unnumbered) => void;
  readLog: ReadLog<Frame>;
  log: Logger;
  metrics?: Pick<Metrics, "frameDropped" | "gapRead"> | undefined;
  /** Milliseconds that a gap may stay before it is read from the log. */
  gapMs?: number | undefined;
}

export class Sequencer<Frame extends Sequenced<Unnumbered>, Unnumbered = string> {
  readonly #options: SequencerOptions<Frame, Unnumbered>;
  readonly #pending = new Map<number, Frame>();
  readonly #unnumbered = new Map<number, Unnumbered[]>();
  #unnumberedCount = 0;
  #callbacks: { seq: number; call: () => void }[] = [];
  #position: number | undefined;
  /** The highest number that is known to be in the log. */
  #target = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #isRepairing = false;
  #isClosed = false;

  constructor(options: SequencerOptions<Frame, Unnumbered>) {
    this.#options = options;
  }

  /** The number of the last released frame; undefined until {@link start}. */
  get position(): number | undefined {
    return this.#position;
  }

  /** Frames and texts that wait behind a gap. */
  get waitingCount(): number {
    return this.#pending.size + this.#unnumberedCount;
  }

  /** Everything up to `position` counts as released. Does nothing when already started. */
  start(position: number): void {
    if (this.#position !== undefined) return;
    this.#position = position;
    for (const seq of this.#pending.keys()) if (seq <= position) this.#pending.delete(seq);
    for (const seq of this.#unnumbered.keys()) if (seq <= position) this.#takeTexts(seq);
    this.#advance();
  }

  /** Whether a frame with this number has not been released yet. */
  awaits(seq: number): boolean {
    return !this.#isClosed && (this.#position === undefined || seq > this.#position);
  }

  /** Takes a frame: it is released in its turn, or dropped if its number was released before. */
  offer(frame: Frame): void {
    const { seq } = frame;
    if (!this.awaits(seq)) return;
    this.#target = Math.max(this.#target, seq);
    if (this.#pending.size < waitingMax || seq === this.#next) {
      this.#pending.set(seq, frame);
    }
    this.#advance();
  }

  /** Takes an unnumbered text that must not overtake number `seq`, to which the log reaches. */
  offerAfter(seq: number, text: Unnumbered): void {
    if (this.#isClosed) return;
    if (!this.awaits(seq)) return this.#options.releaseUnnumbered(text);
    if (this.#unnumberedCount >= waitingMax) {
      this.#options.metrics?.frameDropped("gap");
      return;
    }
    this.#unnumberedCount += 1;
    this.#unnumbered.getOrInsertComputed(seq, () => []).push(text);
    this.expect(seq);
  }

  /**
   * Calls back once all up to `seq`, to which the log reaches, is released; at once if it is, when the sequencer is
   * closed, and when too many wait.
   */
  callAfter(seq: number, call: () => void): void {
    if (!this.awaits(seq) || this.#callbacks.length >= waitingMax) return call();
    this.#callbacks.push({ seq, call });
    this.expect(seq);
  }

  /** Once started: settles when all up to `seq`, to which the log reaches, is released, or with {@link close}. */
  reach(seq: number): Promise<void> {
    if (this.#position === undefined || !this.awaits(seq)) return Promise.resolve();
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#callbacks.push({ seq, call: resolve });
    this.expect(seq);
    return promise;
  }

  /** Says that the log reaches to `seq`, so that even a lost last frame is noticed. */
  expect(seq: number): void {
    this.#target = Math.max(this.#target, seq);
    this.#watchGap();
  }

  /** @returns the frames that were not released, in the order in which they came */
  close(): Frame[] {
    const waiting = [...this.#pending.values()];
    this.#isClosed = true;
    clearTimeout(this.#timer);
    this.#callBack();
    this.#pending.clear();
    this.#unnumbered.clear();
    this.#unnumberedCount = 0;
    return waiting;
  }

  /** The number that is released next, once started. */
  get #next(): number {
    return (this.#position ?? 0) + 1;
  }

  #advance(): void {
    this.#releasePending();
    this.#watchGap();
  }

  /**
   * Releases what has come in order, and then calls back, all in one turn: nobody may see the room between a frame and what was to follow
   * it, or between the text that goes ahead of an answer's last frame and that frame.
   */
  #releasePending(): void {
    while (this.#position !== undefined && !this.#isClosed) {
      const frame = this.#pending.get(this.#next);
      if (frame === undefined) break;
      this.#moveTo(this.#next, frame);
    }
    this.#callBack();
  }

  #moveTo(seq: number, frame: Frame | undefined): void {
    this.#position = seq;
    this.#pending.delete(seq);
    if (frame !== undefined) this.#options.release(frame);
    for (const text of this.#takeTexts(seq)) this.#options.releaseUnnumbered(text);
  }

  #takeTexts(seq: number): readonly Unnumbered[] {
    const texts = this.#unnumbered.get(seq) ?? [];
    this.#unnumbered.delete(seq);
    this.#unnumberedCount -= texts.length;
    return texts;
  }

  #callBack(): void {
    if (this.#callbacks.length === 0) return;
    const due = this.#callbacks.filter(({ seq }) => !this.awaits(seq));
    this.#callbacks = this.#callbacks.filter(({ seq }) => this.awaits(seq));
    for (const { call } of due) call();
  }

  #watchGap(): void {
    const stuckAt = this.#position;
    if (this.#isClosed || stuckAt === undefined || stuckAt >= this.#target) {
      clearTimeout(this.#timer);
      this.#timer = undefined;
    } else if (this.#timer === undefined && !this.#isRepairing) {
      const { gapMs = defaultGapMs } = this.#options;
      this.#timer = setTimeout(() => void this.#repair(stuckAt), gapMs);
    }
  }

  async #repair(stuckAt: number): Promise<void> {
    this.#timer = undefined;
    if (this.#position === stuckAt) {
      this.#isRepairing = true;
      try {
        await this.#readGap(stuckAt);
      } catch (error) {
        const { log, chatId } = this.#options;
        log.warn(
          { err: error, chatId, position: stuckAt },
          "a gap could not be read from the log yet",
        );
      }
      this.#isRepairing = false;
    }
    this.#advance();
  }

  async #readGap(after: number): Promise<void> {
    const { readLog, chatId, metrics, log } = this.#options;
    const target = this.#target;
    const told = [...this.#pending.keys(), ...this.#unnumbered.keys()];
    const { lastSeq, frames } = await readLog(chatId, after, repairPageSize);
    if (this.#isClosed) return;
    const readTo = Math.min(lastSeq, after + repairPageSize);
    metrics?.gapRead();
    log.info({ chatId, after, readTo }, "a gap was read from the log");
    for (const frame of frames) {
      // Live frames may have gone on while the log was read: an answer must not be shown once more after its end.
      if (!this.awaits(frame.seq)) continue;
      // A frame that came and only had to wait needs no text ahead: what belongs before it has come, too.
      if (frame.catchUp && !this.#pending.has(frame.seq)) {
        this.offerAfter(frame.seq - 1, frame.catchUp());
      }
      this.#pending.set(frame.seq, frame);
    }
    for (let next = this.#next; next <= readTo && !this.#isClosed; next = this.#next) {
      this.#moveTo(next, this.#pending.get(next));
    }
    this.#releasePending();
    // Another server may have told of numbers that do not exist. They must not be looked for for ever, nor fill the memory behind the gap.
    for (const seq of told.filter((seq) => seq > lastSeq)) {
      this.#pending.delete(seq);
      this.#takeTexts(seq);
    }
    if (this.#target === target) this.#target = Math.max(lastSeq, ...this.#pending.keys());
  }
}
