import type { TextFilter } from "./text-filter.ts";

/** A fast model must not flood a room: pieces within this time leave as one. */
const gatherMs = 40;

/** Gathers pieces of text: the first one passes at once, later ones together every {@link gatherMs}. */
export class Pacer implements TextFilter {
  readonly #emit: (text: string) => void;
  #gathered = "";
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** @param emit receives the text that leaves later than with a call of `push` or `end` */
  constructor(emit: (text: string) => void) {
    this.#emit = emit;
  }

  push(piece: string): string {
    if (this.#timer === undefined) {
      this.#beginPause();
      return piece;
    }
    this.#gathered += piece;
    return "";
  }

  end(): string {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    return this.#takeGathered();
  }

  #beginPause() {
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      if (this.#gathered === "") return;
      // The text that comes right after these pieces has to wait as well.
      this.#beginPause();
      this.#emit(this.#takeGathered());
    }, gatherMs);
  }

  #takeGathered(): string {
    const text = this.#gathered;
    this.#gathered = "";
    return text;
  }
}
