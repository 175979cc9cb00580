import type { TextFilter } from "./text-filter.ts";

/** Notices when an answer has become too long. It changes nothing of the text. */
export class LengthLimit implements TextFilter {
  readonly #max: number;
  #length: number;

  /**
   * @param max UTF-16 units
   * @param length of the text that was kept before
   */
  constructor(max: number, length: number) {
    this.#max = max;
    this.#length = length;
  }

  /** The length of the text that has passed, with that which was kept. */
  get length(): number {
    return this.#length;
  }

  get isExceeded(): boolean {
    return this.#length > this.#max;
  }

  push(piece: string): string {
    this.#length += piece.length;
    return piece;
  }

  end(): string {
    return "";
  }
}
