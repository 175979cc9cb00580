const chatsMax = 1_000;

/**
 * Chats that a socket remembers as left. Above 1,000 the one that was left first is forgotten, when none of its frames is on its way
 * any more.
 */
export class LeftChats {
  readonly #ids = new Set<number>();

  has(chatId: number): boolean {
    return this.#ids.has(chatId);
  }

  add(chatId: number): void {
    this.#ids.add(chatId);
    const [oldest = chatId] = this.#ids;
    if (this.#ids.size > chatsMax) this.#ids.delete(oldest);
  }

  delete(chatId: number): void {
    this.#ids.delete(chatId);
  }
}
