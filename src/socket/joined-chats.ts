import { itemsOf, withItem, withoutItem, type CompactList } from "../realtime/compact-list.ts";

/** The chats that a socket has joined. Most sockets join one or a few; to look one of a thousand up takes a microsecond. */
export class JoinedChats implements Iterable<number> {
  #ids: CompactList<number>;

  has(chatId: number): boolean {
    return this.#ids === chatId || itemsOf(this.#ids).includes(chatId);
  }

  add(chatId: number): void {
    if (!this.has(chatId)) this.#ids = withItem(this.#ids, chatId);
  }

  delete(chatId: number): void {
    this.#ids = withoutItem(this.#ids, chatId);
  }

  [Symbol.iterator](): Iterator<number> {
    return itemsOf(this.#ids).values();
  }
}
