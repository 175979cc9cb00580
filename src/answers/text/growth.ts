/** The characters of the smallest step. */
const stepMin = 32;
/** Characters from which on the steps are a quarter of the text, no longer an eighth. */
const longFrom = 16_000;

/**
 * Says when the whole text of an answer is shown again. It is shown in steps that grow with it: shown with every chunk, an
 * answer of 100,000 characters would be sent thousands of times over; in these steps it is less than ten times.
 */
export class TextGrowth {
  #shown: number;

  /** @param shown characters that were shown already */
  constructor(shown: number) {
    this.#shown = shown;
  }

  /** @param length characters of the text; for the first chunk always true */
  isDue(length: number): boolean {
    const share = this.#shown < longFrom ? 8 : 4;
    const isDue =
      this.#shown === 0 || length - this.#shown >= Math.max(stepMin, this.#shown / share);
    if (isDue) this.#shown = length;
    return isDue;
  }
}
