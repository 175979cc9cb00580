/** `setTimeout` takes 31 bits, and calls at once for more. */
const timeoutMsMax = 2 ** 31 - 1;

/** One timer: `set` replaces what was set before. */
export class Timer {
  #timer: ReturnType<typeof setTimeout> | undefined;

  get isSet(): boolean {
    return this.#timer !== undefined;
  }

  set(ms: number, work: () => void): void {
    this.clear();
    this.#timer = setTimeout(
      () => {
        this.#timer = undefined;
        work();
      },
      Math.min(ms, timeoutMsMax),
    );
  }

  clear(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }
}
