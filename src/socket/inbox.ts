// Bun does not wait for an async message handler, so the frames of one socket would run at the same time and a flood
// would pile up. An inbox runs them one after the other and has an end.
/**
 * Frames that may wait behind the one that is running. At half of it the sender is told to slow down. Who comes back
 * joins all their chats at once: hundreds of these are no flood.
 */
const framesMax = 512;
/** And so many characters, since frames may be large. */
const charactersMax = 2 * 1024 * 1024;

export interface Inbox {
  /** @returns `accepted`; `warned` once when it is half full; `full` when the frame was not taken */
  push(text: string): "accepted" | "warned" | "full";
  /** Forgets what waits; what runs comes to its end. */
  close(): void;
  /** Frames that wait behind the one that is running. */
  readonly waitingCount: number;
  /** Settles when nothing runs or waits. */
  idle(): Promise<void>;
}

/**
 * @param handle must not throw
 * @param onIdle is called when nothing waits any more: most sockets are idle most of the time, and need no inbox then
 */
export function createInbox(handle: (text: string) => Promise<void>, onIdle: () => void): Inbox {
  let waiting: string[] = [];
  let characters = 0;
  let running: Promise<void> | undefined;
  let warned = false;
  let closed = false;

  async function run() {
    for (let text = waiting.shift(); text !== undefined; text = waiting.shift()) {
      characters -= text.length;
      await handle(text);
    }
    running = undefined;
    onIdle();
  }

  return {
    push(text) {
      const isFull = waiting.length >= framesMax || characters + text.length > charactersMax;
      if (closed || isFull) return "full";
      waiting.push(text);
      characters += text.length;
      running ??= run();
      const isHalfFull = waiting.length >= framesMax / 2 || characters >= charactersMax / 2;
      if (warned || !isHalfFull) return "accepted";
      warned = true;
      return "warned";
    },
    close() {
      closed = true;
      waiting = [];
    },
    get waitingCount() {
      return waiting.length;
    },
    async idle() {
      while (running) await running;
    },
  };
}
