import { within } from "../schedule.ts";

/** Between two chunks of a body, after which its slot goes to another upload. */
const patienceMs = 20;

/**
 * Reads the bodies of uploads, of a few at a time. The server holds up to about 3 MB of a body that is being read, twice as much as
 * of one that waits in its socket, so that 50 uploads at once need little memory, and messages do not wait behind many chunks. An
 * upload whose client is slow gives its slot to others while it waits for the next chunk.
 */
export class UploadSlots {
  readonly #waiting: (() => void)[] = [];
  #free: number;

  constructor(slots = 3) {
    this.#free = slots;
  }

  /**
   * The chunks of a body. A chunk is valid until the next one is requested: then its memory is released, because the garbage
   * collector would keep it for too long.
   */
  async *read(body: ReadableStream<Uint8Array>): AsyncGenerator<Uint8Array, void> {
    const reader = body.getReader();
    let holds = false;
    try {
      for (;;) {
        const reading = reader.read();
        if (holds && !(await within(patienceMs, Promise.allSettled([reading])))) {
          this.#release();
          holds = false;
        }
        const { done, value } = await reading;
        if (done) return;
        if (!holds) await this.#acquire();
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
