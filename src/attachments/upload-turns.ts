/** Bytes of files that a turn of the event loop takes, while others wait: to hash and to write them takes about 2 ms. */
const turnBytesMax = 1024 * 1024;
/** Bun reads up to 1.5 MB of a body that waits, and keeps about 4 MB for it. */
const defaultWaitingMax = 20;

/** Bytes that come without waiting, in pieces: the event loop gets a turn after each `turnBytes`. */
export async function* inTurns(
  chunks: AsyncIterable<Uint8Array>,
  turnBytes = turnBytesMax,
): AsyncGenerator<Uint8Array, void> {
  let takenBytes = 0;
  for await (const chunk of chunks) {
    for (let at = 0; at < chunk.length; at += turnBytes) {
      const piece = chunk.subarray(at, at + turnBytes);
      yield piece;
      takenBytes += piece.length;
      if (takenBytes < turnBytes) continue;
      takenBytes = 0;
      await new Promise<void>((resolve) => setImmediate(resolve));
    }
  }
}

/**
 * Reads the bodies of uploads. Those of a few wait for each other, so that messages do not wait behind the chunks of all of them. When
 * more are uploaded at once, none waits: together they would take too much memory, and a body whose chunks are taken as they come takes
 * hardly any.
 */
export class UploadTurns {
  readonly #turnBytes: number;
  readonly #waitingMax: number;
  readonly #waiting: (() => void)[] = [];
  #running = 0;
  #takenBytes = 0;
  #endsSoon = false;

  /** @param limits tests have others */
  constructor({ turnBytes = turnBytesMax, waitingMax = defaultWaitingMax } = {}) {
    this.#turnBytes = turnBytes;
    this.#waitingMax = waitingMax;
  }

  /**
   * The chunks of a body. A chunk is valid until the next one is requested: then its memory is released, because the garbage collector
   * would keep it for too long.
   */
  async *read(body: ReadableStream<Uint8Array>): AsyncGenerator<Uint8Array, void> {
    const reader = body.getReader();
    this.#running += 1;
    // When many end at about the same time, the last ones do not begin to wait.
    const mayWait = this.#running <= this.#waitingMax;
    if (!mayWait) this.#releaseAll();
    const waits = () =>
      mayWait && this.#running <= this.#waitingMax && this.#takenBytes >= this.#turnBytes;
    try {
      for (;;) {
        // It waits before it reads: a chunk that waited would be in memory together with the next one.
        if (waits()) await new Promise<void>((resolve) => this.#waiting.push(resolve));
        const { done, value } = await reader.read();
        this.#take(value?.length ?? 0);
        if (done) return;
        yield value;
        if (value.buffer instanceof ArrayBuffer) value.buffer.transfer(0);
      }
    } finally {
      this.#running -= 1;
      // The rest of a body that is refused is not read.
      void reader.cancel().catch(() => {});
    }
  }

  #releaseAll(): void {
    for (const release of this.#waiting.splice(0)) release();
  }

  /** Lets the next one go on in this turn, or else in the next one. */
  #take(bytes: number): void {
    this.#takenBytes += bytes;
    if (this.#takenBytes < this.#turnBytes) this.#waiting.shift()?.();
    this.#awaitNextTurn();
  }

  #awaitNextTurn(): void {
    if (this.#endsSoon) return;
    this.#endsSoon = true;
    setImmediate(() => {
      this.#endsSoon = false;
      this.#takenBytes = 0;
      this.#waiting.shift()?.();
      // The client of the one that goes on may be slow.
      if (this.#waiting.length > 0) this.#awaitNextTurn();
    });
  }
}
