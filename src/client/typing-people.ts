import type { Person } from "./room-log.ts";
import { Timer } from "./timer.ts";

/** A client that is being typed in repeats `typing` about every 3 s; after this time its person has stopped. */
const typingMsMax = 5_000;

/** The people who are typing, each at most once. */
export class TypingPeople {
  #people: readonly (Person & { sinceMs: number })[] = [];
  readonly #timer = new Timer();
  readonly #onChange: () => void;

  constructor(onChange: () => void) {
    this.#onChange = onChange;
  }

  add({ user_id, username }: Person): void {
    this.#set([...this.#others(user_id), { user_id, username, sinceMs: Date.now() }]);
    this.#timer.set(typingMsMax, () => this.#set([]));
  }

  remove(userId: number | null): void {
    this.#set(this.#others(userId));
  }

  list(): readonly Person[] {
    return this.#people;
  }

  clear(): void {
    this.#timer.clear();
    this.#set([]);
  }

  #set(people: readonly (Person & { sinceMs: number })[]) {
    this.#people = people;
    this.#onChange();
  }

  /** Everybody who still types, except one person. */
  #others(userId: number | null) {
    const sinceMsMin = Date.now() - typingMsMax;
    return this.#people.filter(
      (person) => person.user_id !== userId && person.sinceMs > sinceMsMin,
    );
  }
}
