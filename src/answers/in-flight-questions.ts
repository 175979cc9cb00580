/** Questions that are being stored on this node, by the key of their client id. */
export class InFlightQuestions {
  readonly #running = new Map<string, Promise<unknown>>();

  /**
   * Runs the tries of one question one after another, because each try alone would reserve tokens for it.
   * @param ask receives whether another try of the same question has just ended
   */
  async inTurn<T>(key: string, ask: (isRetry: boolean) => Promise<T>): Promise<T> {
    const before = this.#running.get(key);
    const running = before ? before.catch(() => undefined).then(() => ask(true)) : ask(false);
    this.#running.set(key, running);
    try {
      return await running;
    } finally {
      if (this.#running.get(key) === running) this.#running.delete(key);
    }
  }
}
