// Messages of others in joined chats: they are unread unless a client of the person reads them soon.

export class AwaitedReads {
  readonly #waitMs: number;
  readonly #onUnread: () => void;
  /** The numbers of the newest messages by chat id. */
  readonly #newest = new Map<number, number>();

  /** @param onUnread is called after `waitMs` if the messages of a chat were not read */
  constructor(waitMs: number, onUnread: () => void) {
    this.#waitMs = waitMs;
    this.#onUnread = onUnread;
  }

  /** A message of somebody else was shown to this client. */
  arrived(chatId: number, seq: number): void {
    const isAwaited = this.#newest.has(chatId);
    this.#newest.set(chatId, seq);
    if (isAwaited) return;
    setTimeout(() => {
      if (this.#newest.delete(chatId)) this.#onUnread();
    }, this.#waitMs);
  }

  readTo(chatId: number, lastReadSeq: number): void {
    if (lastReadSeq >= (this.#newest.get(chatId) ?? Infinity)) this.#newest.delete(chatId);
  }

  clear(): void {
    this.#newest.clear();
  }
}
