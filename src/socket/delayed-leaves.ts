// Leaves of rooms that take effect in a moment, unless the chat is joined again until then.
export class DelayedLeaves {
  readonly #timers = new Map<number, ReturnType<typeof setTimeout>>();

  /** @returns whether the leave of a chat waits */
  has(chatId: number): boolean {
    return this.#timers.has(chatId);
  }

  add(chatId: number, delayMs: number, leave: () => void): void {
    const timer = setTimeout(() => {
      this.#timers.delete(chatId);
      leave();
    }, delayMs);
    this.#timers.set(chatId, timer);
  }

  cancel(chatId: number): void {
    clearTimeout(this.#timers.get(chatId));
    this.#timers.delete(chatId);
  }

  cancelAll(): void {
    for (const timer of this.#timers.values()) clearTimeout(timer);
    this.#timers.clear();
  }
}
