// Keeps the frames that a room releases while somebody is joining it, as many as a socket takes in one go.
import { replayBytesMax, replayMax } from "../wire/frames.ts";
import type { FrameText } from "../wire/frame-text.ts";
import type { NumberedFrame } from "../wire/numbered-frames.ts";

export class JoinBuffer {
  readonly userId: number;
  readonly #isMerged: boolean;
  /** The number above which everything is kept. */
  keptFrom: number;
  /** The number at which the person was removed; 0 if they weren't. */
  removedAt = 0;
  /** Answers whose last frame was released meanwhile. */
  readonly endedAnswerIds = new Set<number>();
  readonly #texts: { seq: number; text: string }[] = [];
  #bytes = 0;
  #hasOverflowed = false;

  constructor({ userId, isMerged }: { userId: number; isMerged: boolean }, keptFrom: number) {
    this.userId = userId;
    this.#isMerged = isMerged;
    this.keptFrom = keptFrom;
  }

  add(frame: NumberedFrame): void {
    const { seq, catchUp, endedAnswerId } = frame;
    if (endedAnswerId !== undefined) this.endedAnswerIds.add(endedAnswerId);
    if (catchUp) this.#keep(seq, catchUp());
    this.#keep(seq, frame);
  }

  /** Keeps an unnumbered frame: it comes with the missed frames, whatever their numbers are. */
  addState(frame: FrameText): void {
    this.#keep(Infinity, frame);
  }

  /** The texts of the frames above a number; undefined if there were more than are kept. */
  textsAbove(seq: number): string[] | undefined {
    if (this.#hasOverflowed) return undefined;
    return this.#texts.filter((kept) => kept.seq > seq).map(({ text }) => text);
  }

  #keep(seq: number, frame: FrameText): void {
    const text = this.#isMerged ? frame.merged : frame.text;
    this.#bytes += Buffer.byteLength(text);
    if (this.#texts.length < replayMax && this.#bytes <= replayBytesMax) {
      this.#texts.push({ seq, text });
    } else {
      this.#hasOverflowed = true;
    }
  }
}
