// Calls a function for a chat at most once in an interval: at the first note at once, and for the notes that follow when the
// interval ends.
export class ChatInterval {
  readonly #call: (chatId: number) => Promise<void>;
  readonly #intervalMs: number;
  /** The chats whose interval has not ended. */
  readonly #recent = new Map<number, { isDue: boolean }>();

  /** @param call never rejects; the interval begins when it has settled */
  constructor(call: (chatId: number) => Promise<void>, intervalMs: number) {
    this.#call = call;
    this.#intervalMs = intervalMs;
  }

  note(chatId: number): void {
    const recent = this.#recent.get(chatId);
    if (recent) recent.isDue = true;
    else void this.#run(chatId);
  }

  async #run(chatId: number): Promise<void> {
    const recent = { isDue: false };
    this.#recent.set(chatId, recent);
    await this.#call(chatId);
    setTimeout(() => {
      this.#recent.delete(chatId);
      if (recent.isDue) this.note(chatId);
    }, this.#intervalMs);
  }
}
