// Bun does not wait for an async message handler, so the frames of one socket would run at the same time and a flood
// would pile up. An inbox runs them one after the other and is bounded.
/**
 * Frames that may wait behind the one that is running. At half of it the sender is told to slow down. A returning client
 * joins all its chats at once: hundreds of frames are no flood.
 */
const framesMax = 512;
/** Characters that may wait, since frames may be large. */
const charactersMax = 2 * 1024 * 1024;

export class Inbox {
  readonly #handle: (text: string) => Promise<void>;
  readonly #onIdle: () => void;
  #waiting: string[] = [];
  #characters = 0;
  #running: Promise<void> | undefined;
  #beganAtMs = 0;
  #isWarned = false;
  #isClosed = false;

  /**
   * @param handle must not throw
   * @param onIdle is called when nothing waits any more: most sockets are idle most of the time and need no inbox then
   */
  constructor(handle: (text: string) => Promise<void>, onIdle: () => void) {
    this.#handle = handle;
    this.#onIdle = onIdle;
  }

  /** Frames that wait behind the one that is running. */
  get waitingCount(): number {
    return this.#waiting.length;
  }

  /** Milliseconds since the frame that runs began, or went on; 0 when none runs. */
  get runningMs(): number {
    return this.#running ? performance.now() - this.#beganAtMs : 0;
  }

  /** A frame begins to run, or goes on after it has waited for its peer. */
  goOn(): void {
    this.#beganAtMs = performance.now();
  }

  /** @returns `accepted`; `warned` once when it is half full; `full` when the frame was not taken */
  push(text: string): "accepted" | "warned" | "full" {
    const { length } = this.#waiting;
    const isFull = length >= framesMax || this.#characters + text.length > charactersMax;
    if (this.#isClosed || isFull) return "full";
    this.#waiting.push(text);
    this.#characters += text.length;
    this.#running ??= this.#run();
    const isHalfFull =
      this.#waiting.length >= framesMax / 2 || this.#characters >= charactersMax / 2;
    if (this.#isWarned || !isHalfFull) return "accepted";
    this.#isWarned = true;
    return "warned";
  }

  /** Drops the frames that wait; the one that runs is completed. */
  close(): void {
    this.#isClosed = true;
    this.#waiting = [];
  }

  /** Settles when nothing runs or waits. */
  async idle(): Promise<void> {
    while (this.#running) await this.#running;
  }

  async #run(): Promise<void> {
    for (let text = this.#waiting.shift(); text !== undefined; text = this.#waiting.shift()) {
      this.#characters -= text.length;
      this.goOn();
      await this.#handle(text);
    }
    this.#running = undefined;
    this.#onIdle();
  }
}
