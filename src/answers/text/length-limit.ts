import type { TextFilter } from "./text-filter.ts";

/** Cuts an answer that becomes too long. */
export class LengthLimit implements TextFilter {
  readonly #max: number;
  #length: number;
  #isExceeded: boolean;

  /**
   * @param max UTF-16 units
   * @param length of the text that was kept before
   */
  constructor(max: number, length: number) {
    this.#max = max;
    this.#length = length;
    this.#isExceeded = length > max;
  }

  /** The length of the text that has passed, with that which was kept. */
  get length(): number {
    return this.#length;
  }

  get isExceeded(): boolean {
    return this.#isExceeded;
  }

  push(piece: string): string {
    if (this.#isExceeded) return "";
    const left = this.#max - this.#length;
    this.#isExceeded = piece.length > left;
    // A surrogate pair is not cut in half.
    const text = this.#isExceeded ? piece.slice(0, left).replace(/[\uD800-\uDBFF]$/, "") : piece;
    this.#length += text.length;
    return text;
  }

  end(): string {
    return "";
  }
}
