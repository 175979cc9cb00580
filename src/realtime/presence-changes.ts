// The people who have joined or left a room since the last `presence_changed`. A person who has done both is in neither list.
import type { Present } from "../wire/frames.ts";

/** Limit of the people in each list of one frame. The others follow in the next one. */
const namesMax = 500;

interface Change {
  readonly username: string;
  readonly isOnline: boolean;
  /** In the milliseconds of `performance.now()`. */
  readonly dueAtMs: number;
  /** The greetings that had been made before. */
  readonly greetings: number;
  /** Some sockets have been told in their greeting, so that the opposite has to be told to them if it comes. */
  isPartlyKnown: boolean;
}

export class PresenceChanges {
  readonly #changes = new Map<number, Change>();
  #greetings = 0;

  get size(): number {
    return this.#changes.size;
  }

  has(userId: number): boolean {
    return this.#changes.has(userId);
  }

  clear(): void {
    this.#changes.clear();
  }

  /** Somebody who has joined was greeted with the people who are there, themselves left out. */
  greeted(others: readonly Present[]): void {
    this.#greetings += 1;
    for (const { user_id } of others) {
      const change = this.#changes.get(user_id);
      if (change) change.isPartlyKnown = true;
    }
  }

  /** @param delayMs after which a change is due that is told alone */
  add(
    { userId, username }: { userId: number; username: string },
    isOnline: boolean,
    delayMs: number,
  ): void {
    const before = this.#changes.get(userId);
    const isPartlyKnown =
      before !== undefined &&
      (before.isPartlyKnown || (!before.isOnline && before.greetings < this.#greetings));
    if (before !== undefined && !isPartlyKnown) return void this.#changes.delete(userId);
    const [greetings, dueAtMs] = [this.#greetings, performance.now() + delayMs];
    this.#changes.set(userId, { username, isOnline, dueAtMs, greetings, isPartlyKnown });
  }

  /** Takes those who came, or those who left, for one frame. */
  take(isOnline: boolean): Present[] {
    const people: Present[] = [];
    for (const [user_id, change] of this.#changes) {
      if (people.length === namesMax) break;
      if (change.isOnline !== isOnline) continue;
      people.push({ user_id, username: change.username });
      this.#changes.delete(user_id);
    }
    return people;
  }

  /** Takes the changes that are due. */
  takeDue(): { userId: number; username: string; isOnline: boolean }[] {
    const now = performance.now();
    const due = [...this.#changes].filter(([, { dueAtMs }]) => dueAtMs <= now);
    for (const [userId] of due) this.#changes.delete(userId);
    return due.map(([userId, { username, isOnline }]) => ({ userId, username, isOnline }));
  }
}
