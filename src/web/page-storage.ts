import type { BrowserStorage } from "../client/stored-entries.ts";

/** Keeps entries until the page is left. */
class MemoryStorage implements BrowserStorage {
  readonly #entries = new Map<string, string>();

  get length() {
    return this.#entries.size;
  }

  key(index: number) {
    return [...this.#entries.keys()][index] ?? null;
  }

  getItem(key: string) {
    return this.#entries.get(key) ?? null;
  }

  setItem(key: string, value: string) {
    this.#entries.set(key, value);
  }

  removeItem(key: string) {
    this.#entries.delete(key);
  }
}

/** `localStorage`, or memory in a browser that does not allow this site to store anything: there, reading the property throws. */
export function openStorage(): BrowserStorage {
  try {
    return localStorage;
  } catch {
    return new MemoryStorage();
  }
}
