import type { ServerFrame } from "../wire/server-frames.ts";

/** Frames that are kept at most. A frame that is dropped leaves a gap, which is noticed and closed by a replay. */
const framesMax = 1_000;

/** Frames that were received before the frames that precede them, by number. */
export class EarlyFrames {
  readonly #frames = new Map<number, ServerFrame>();

  get size(): number {
    return this.#frames.size;
  }

  list(): ServerFrame[] {
    return [...this.#frames.values()];
  }

  add(number: number, frame: ServerFrame): void {
    if (this.#frames.size < framesMax) this.#frames.set(number, frame);
  }

  /** Removes the frame with a number. @returns undefined if it was not received */
  take(number: number): ServerFrame | undefined {
    const frame = this.#frames.get(number);
    this.#frames.delete(number);
    return frame;
  }

  dropUpTo(position: number): void {
    for (const number of this.#frames.keys()) if (number <= position) this.#frames.delete(number);
  }

  clear(): void {
    this.#frames.clear();
  }
}
