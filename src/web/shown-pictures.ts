// The pictures of people and chats that the page shows. An element cannot send a token, so that the page reads them itself, and the
// browser keeps them for a year.
import { useEffect, useRef, useState } from "preact/hooks";
import type { Pictures } from "../client/pictures.ts";
import { usePageParts } from "./page-parts.ts";

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

/** The address of a person's picture on the server, as far as the page knows the person. */
export function useAvatarUrl(userId: number | null): string | null {
  const { people } = usePageParts();
  const [, redraw] = useState({});
  const urlNow = () =>
    userId === null ? null : (people.getSnapshot().people.get(userId)?.avatar_url ?? null);
  const drawn = useRef<string | null>(null);
  drawn.current = urlNow();
  useEffect(() => {
    // Most changes are of other people.
    const look = () => {
      if (urlNow() !== drawn.current) redraw({});
    };
    const end = people.subscribe(look);
    look();
    return end;
  }, [people, userId]);
  return drawn.current;
}

/** Reads a picture once its element is near the visible part of the page. */
export function usePicture(url: string | null) {
  const { pictures } = usePageParts();
  const element = useRef<HTMLSpanElement>(null);
  const [shown, setShown] = useState<{ url: string; address: string }>();
  useEffect(() => {
    if (url === null || !element.current) return;
    let isCurrent = true;
    const observer = new IntersectionObserver(
      (entries) => {
        if (!entries.some(({ isIntersecting }) => isIntersecting)) return;
        observer.disconnect();
        void pictures.addressOf(url).then((address) => {
          if (isCurrent && address !== undefined) setShown({ url, address });
        });
      },
      { rootMargin: "200px" },
    );
    observer.observe(element.current);
    return () => {
      isCurrent = false;
      observer.disconnect();
    };
  }, [pictures, url]);
  return { element, address: shown?.url === url ? shown?.address : undefined };
}
