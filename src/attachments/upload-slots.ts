/** Between two chunks of a body, after which its slot goes to another upload. */
const patienceMs = 20;
/** After so long an upload lets another one go on: the server closes connections on which nothing has moved for a minute. */
const defaultTurnMs = 250;

/**
 * Reads the bodies of uploads, of a few at a time. The server holds up to about 3 MB of a body that is being read, twice as much as
 * of one that waits in its socket, so that 50 uploads at once need little memory, and messages do not wait behind many chunks. An
 * upload whose client is slow gives its slot to others while it waits for the next chunk, and a fast one does so after its turn.
 */
export class UploadSlots {
  readonly #waiting: (() => void)[] = [];
  readonly #turnMs: number;
  #free: number;

  constructor(slots = 3, turnMs = defaultTurnMs) {
    this.#free = slots;
    this.#turnMs = turnMs;
  }

  /**
   * The chunks of a body. A chunk is valid until the next one is requested: then its memory is released, because the garbage
   * collector would keep it for too long.
   */
  async *read(body: ReadableStream<Uint8Array>): AsyncGenerator<Uint8Array, void> {
    const reader = body.getReader();
    let holds = false;
    let since = 0;
    try {
      for (;;) {
        const reading = reader.read();
        if (holds && !(await isSoon(reading))) {
          this.#release();
          holds = false;
        }
        const { done, value } = await reading;
        if (done) return;
        if (holds && this.#waiting.length > 0 && performance.now() - since > this.#turnMs) {
          this.#release();
          holds = false;
        }
        if (!holds) {
          await this.#acquire();
          since = performance.now();
        }
        holds = true;
        yield value;
        if (value.buffer instanceof ArrayBuffer) value.buffer.transfer(0);
      }
    } finally {
      if (holds) this.#release();
      // The rest of a body that is refused is not read.
      void reader.cancel().catch(() => {});
    }
  }

  async #acquire(): Promise<void> {
    if (this.#free > 0) this.#free -= 1;
    else await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  #release(): void {
    const next = this.#waiting.shift();
    if (next) next();
    else this.#free += 1;
  }
}

/** Whether a promise settles at once or within {@link patienceMs}. */
async function isSoon(promise: Promise<unknown>): Promise<boolean> {
  const { promise: late, resolve } = Promise.withResolvers<boolean>();
  const timer = setTimeout(resolve, patienceMs, false);
  try {
    return await Promise.race([
      promise.then(
        () => true,
        () => true,
      ),
      late,
    ]);
  } finally {
    clearTimeout(timer);
  }
}
