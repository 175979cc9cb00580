// The pictures of people and chats that the page shows. An element cannot send a token, so that the page reads them itself, and the
// browser keeps them for a year.
import type { Pictures } from "../client/pictures.ts";

/** Pictures that are held, of 2 KB each, or of 10 KB on a screen of many pixels. They are shown in at most 64 CSS pixels. */
const heldMax = 500;
/** Requests that run at once, so that messages do not wait for pictures. */
const requestsAtOnce = 4;

export class ShownPictures {
  readonly client: Pictures;
  readonly #held = new Map<string, Promise<string | undefined>>();
  readonly #waiting: (() => void)[] = [];
  #running = 0;

  constructor(client: Pictures) {
    this.client = client;
  }

  /** The address of a picture in this browser; undefined if it cannot be read. */
  addressOf(url: string): Promise<string | undefined> {
    const held = this.#held.get(url) ?? this.#load(url);
    // The last ones that were used stay.
    this.#held.delete(url);
    this.#held.set(url, held);
    const [oldest] = this.#held.keys();
    if (this.#held.size > heldMax && oldest !== undefined) this.#drop(oldest);
    return held;
  }

  async #load(url: string): Promise<string | undefined> {
    if (this.#running >= requestsAtOnce) {
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
    this.#running += 1;
    try {
      return URL.createObjectURL(await this.client.load(url, devicePixelRatio > 1.5 ? 256 : 64));
    } catch {
      // It is asked for again when it is shown the next time.
      this.#held.delete(url);
      return undefined;
    } finally {
      this.#running -= 1;
      this.#waiting.shift()?.();
    }
  }

  #drop(url: string): void {
    void this.#held.get(url)?.then((address) => address && URL.revokeObjectURL(address));
    this.#held.delete(url);
  }
}
