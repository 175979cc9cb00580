const blank = /^[\s\p{Cc}\p{Default_Ignorable_Code_Point}]*$/u;
/** White space before a text has no meaning beyond this; it bounds the text that is held back. */
const heldMax = 1_000;

/** Tells whether a text shows nothing: white space and invisible characters only. */
export function isBlank(text: string): boolean {
  return blank.test(text);
}

/**
 * Holds back the blank beginning of a text that comes in pieces until something visible follows. A text that stays blank
 * never passes.
 */
export class BlankStartFilter {
  #held = "";
  #isBlank = true;

  /** Whether nothing visible has come yet. */
  get isBlank(): boolean {
    return this.#isBlank;
  }

  push(piece: string): string {
    if (!this.#isBlank) return piece;
    const text = this.#held + piece;
    this.#isBlank = isBlank(text);
    this.#held = this.#isBlank ? endOf(text) : "";
    return this.#isBlank ? "" : text;
  }

  end(): string {
    return "";
  }
}

/** The last characters of a text, never the second half of a surrogate pair alone. */
function endOf(text: string): string {
  return text.slice(-heldMax).replace(/^[\uDC00-\uDFFF]/, "");
}
