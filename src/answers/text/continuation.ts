// The model continues an answer that broke off from the text that was kept. Although it is asked to go on exactly where
// the text ends, a model sometimes repeats the last words first; the room must not be shown them twice.
import type { TextFilter } from "./text-filter.ts";

/**
 * About four words. Fewer may come twice on purpose ("that that", a name, a bullet of a list), and a few letters by
 * chance. So many in a row, and exactly those that the text ends with, do not.
 */
const repetitionCharactersMin = 20;
/** A long paragraph. It bounds the text that is held back to about a second of an answer. */
const repetitionCharactersMax = 400;

/**
 * Removes the repetition of the end of the kept text from a continuation that begins with one, the longest there is.
 * All other text passes unchanged. The result does not depend on how the continuation is cut into pieces. At most
 * {@link repetitionCharactersMax} characters are held back, and only at the beginning, while they are the text's own
 * words. They are discarded when the answer breaks off again, because they may be the kept text.
 */
export class ContinuationFilter implements TextFilter {
  readonly #tail: string;
  #held = "";
  #isOpen = true;

  /** @param kept the text that the room has been shown; "" for a new answer */
  constructor(kept: string) {
    this.#tail = kept.slice(-repetitionCharactersMax);
  }

  push(piece: string): string {
    if (!this.#isOpen) return piece;
    this.#held += piece;
    return mayGrow(this.#tail, this.#held) ? "" : this.#settle();
  }

  end(isWhole: boolean): string {
    return this.#isOpen && isWhole ? this.#settle() : "";
  }

  #settle(): string {
    const rest = this.#held.slice(repetitionLength(this.#tail, this.#held));
    this.#held = "";
    this.#isOpen = false;
    return rest;
  }
}

/** Tells whether more text could make `said` a repetition, or a longer one. */
function mayGrow(tail: string, said: string): boolean {
  // The first occurrence gives the longest repetition.
  const at = tail.indexOf(said);
  const length = tail.length - at;
  return at >= 0 && length >= repetitionCharactersMin && length > said.length;
}

/** Counts the characters at the beginning of `said` that repeat the end of `tail`; 0 for none. */
function repetitionLength(tail: string, said: string): number {
  const longest = Math.min(tail.length, said.length);
  for (let length = longest; length >= repetitionCharactersMin; length -= 1) {
    if (said.startsWith(tail.slice(-length))) return isPattern(tail, length) ? 0 : length;
  }
  return 0;
}

/**
 * Tells whether the last `length` characters come out of a pattern that the text ends with: dashes, empty cells, a
 * refrain. A continuation that begins with them goes on with the pattern, and removing them would lose text.
 */
function isPattern(tail: string, length: number): boolean {
  for (let period = 1; period <= length; period += 1) {
    const run = tail.slice(-Math.max(length, 2 * period));
    if (run.length >= 2 * period && run.slice(period) === run.slice(0, -period)) return true;
  }
  return false;
}
