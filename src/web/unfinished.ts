// Work that has to be done before the person signs out.

/** Milliseconds for which the sign-out waits at most: the server may be out of reach. */
const finishMsMax = 3_000;

export class Unfinished {
  readonly #works = new Set<() => Promise<unknown>>();

  /** @param work is done at the sign-out. @returns a function that takes it back */
  add(work: () => Promise<unknown>): () => void {
    this.#works.add(work);
    return () => void this.#works.delete(work);
  }

  /** Settles when all is done, or after some seconds. Never throws. */
  async finish(): Promise<void> {
    const { promise: late, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, finishMsMax);
    await Promise.race([late, Promise.allSettled([...this.#works].map((work) => work()))]);
    clearTimeout(timer);
  }
}
