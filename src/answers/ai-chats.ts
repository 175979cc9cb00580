const chatsMax = 10_000;

/** Remembers which chats are AI chats. A chat is made as one or not, and stays so. */
export class AiChats {
  readonly #known = new Map<number, boolean>();

  /** @returns undefined when it is not known on this node */
  find(chatId: number): boolean | undefined {
    return this.#known.get(chatId);
  }

  remember(chatId: number, isAiChat: boolean): void {
    this.#known.set(chatId, isAiChat);
    if (this.#known.size <= chatsMax) return;
    const [oldest] = this.#known.keys();
    if (oldest !== undefined) this.#known.delete(oldest);
  }
}
