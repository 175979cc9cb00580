import type { Presence } from "../client/presence.ts";

/** The largest number of people whose presence a socket is told. */
const watchedMax = 500;

/**
 * The people whose presence is shown in any part of the page. A client has one list of watched people, so the parts hand in
 * theirs here. If there are too many people, those of the part that was shown last come first.
 */
export class WatchedPeople {
  readonly presence: Presence;
  readonly #idsByPart = new Map<object, readonly number[]>();
  #watched = "";
  #isWaiting = false;

  constructor(presence: Presence) {
    this.presence = presence;
  }

  show(part: object, userIds: readonly number[]): void {
    this.#idsByPart.delete(part);
    this.#idsByPart.set(part, userIds);
    this.#watchSoon();
  }

  hide(part: object): void {
    this.#idsByPart.delete(part);
    this.#watchSoon();
  }

  /** Parts that change together cause one frame. */
  #watchSoon() {
    if (this.#isWaiting) return;
    this.#isWaiting = true;
    queueMicrotask(() => {
      this.#isWaiting = false;
      this.#watch();
    });
  }

  #watch() {
    const ids = new Set([...this.#idsByPart.values()].toReversed().flat());
    const watched = [...ids].slice(0, watchedMax);
    if (watched.join() === this.#watched) return;
    this.#watched = watched.join();
    this.presence.watch(watched);
  }
}
