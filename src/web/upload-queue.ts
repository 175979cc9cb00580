/** Uploads that run at once. */
const uploadsAtOnce = 3;

/** Runs a few uploads at once, the others after them. */
export class UploadQueue {
  readonly #waiting: (() => void)[] = [];
  #running = 0;

  /** @param upload is not called if the signal has been aborted when its turn comes; it never throws */
  run(signal: AbortSignal, upload: () => Promise<void>): void {
    this.#waiting.push(() => {
      if (signal.aborted) return;
      this.#running += 1;
      void upload().finally(() => {
        this.#running -= 1;
        this.#next();
      });
    });
    this.#next();
  }

  #next(): void {
    while (this.#running < uploadsAtOnce && this.#waiting.length > 0) this.#waiting.shift()?.();
  }
}
