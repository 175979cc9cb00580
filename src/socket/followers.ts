// The sockets that follow the activity of chats, of which a person may have hundreds. In Bun's topics, each of these
// subscriptions takes 130 bytes, in these arrays about 16.
export class Followers<Socket> {
  readonly #sockets = new Map<string, Socket[]>();

  /** @param name the topic's; the socket does not follow it yet */
  add(name: string, ws: Socket): void {
    this.#sockets.getOrInsertComputed(name, () => []).push(ws);
  }

  remove(name: string, ws: Socket): void {
    const sockets = this.#sockets.get(name);
    const place = sockets?.indexOf(ws) ?? -1;
    if (!sockets || place < 0) return;
    const last = sockets.pop();
    if (last !== undefined && last !== ws) sockets[place] = last;
    if (sockets.length === 0) this.#sockets.delete(name);
  }

  count(name: string): number {
    return this.#sockets.get(name)?.length ?? 0;
  }

  /** A copy: a socket that is closed while it is sent to does not follow any more. */
  of(name: string): Socket[] {
    return this.#sockets.get(name)?.slice() ?? [];
  }
}
