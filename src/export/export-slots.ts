import { Problem } from "../wire/problems.ts";

/** Exports of one person that run at the same time at most, on one server. */
const perPersonMax = 2;
const retryAfterSeconds = 10;

/** Counts the running exports of each person. */
export class ExportSlots {
  readonly #running = new Map<number, number>();

  /** @returns releases the slot; only the first call counts. @throws Problem `rate_limited` */
  take(userId: number): () => void {
    const count = this.#running.get(userId) ?? 0;
    if (count >= perPersonMax) {
      throw new Problem(
        "rate_limited",
        `You have ${perPersonMax} exports running. Wait until one has ended.`,
        { retryAfterSeconds },
      );
    }
    this.#running.set(userId, count + 1);
    let isHeld = true;
    return () => {
      if (!isHeld) return;
      isHeld = false;
      const left = (this.#running.get(userId) ?? 1) - 1;
      if (left > 0) this.#running.set(userId, left);
      else this.#running.delete(userId);
    };
  }
}
