// Entries of one kind in a browser's storage, such as the drafts of all chats, limited in number, length and age.
import type { KeyValueStorage } from "./stored-tokens.ts";

/** The parts of `localStorage` that are used to find entries. */
export interface BrowserStorage extends KeyValueStorage {
  readonly length: number;
  key(index: number): string | null;
}

export interface EntryLimits {
  /** When there would be more, the oldest is removed. */
  entriesMax: number;
  /** A longer value, as JSON in UTF-16 units, is not stored. */
  lengthMax: number;
  /** Older entries are removed. */
  ageMsMax: number;
}

export type StoredEntries = ReturnType<typeof createStoredEntries>;

/**
 * No function of it throws: a browser may refuse to store anything, and everything that is stored may be altered there.
 * @param prefix of the keys, such as `gemini-coop-draft:`
 */
export function createStoredEntries(
  storage: BrowserStorage,
  prefix: string,
  { entriesMax, lengthMax, ageMsMax }: EntryLimits,
) {
  function attempt<T>(work: () => T): T | undefined {
    try {
      return work();
    } catch {
      return undefined;
    }
  }

  function names(): string[] {
    const keys = Array.from({ length: storage.length }, (_, index) => storage.key(index) ?? "");
    return keys.filter((key) => key.startsWith(prefix)).map((key) => key.slice(prefix.length));
  }

  function read(name: string): { value: unknown; savedAtMs: number } | undefined {
    const entry = attempt(() => JSON.parse(storage.getItem(prefix + name) ?? "null"));
    const savedAtMs = entry?.saved_at_ms;
    if (typeof savedAtMs !== "number" || Date.now() - savedAtMs > ageMsMax) return undefined;
    return { value: entry.value, savedAtMs };
  }

  function remove(name: string) {
    attempt(() => storage.removeItem(prefix + name));
  }

  /** Removes entries that are too old or unreadable, and the oldest ones while there are more than `count`. */
  function reduceTo(count: number) {
    const dated = names().map((name) => ({ name, savedAtMs: read(name)?.savedAtMs ?? 0 }));
    const newestFirst = dated.toSorted((one, other) => other.savedAtMs - one.savedAtMs);
    for (const [index, { name, savedAtMs }] of newestFirst.entries()) {
      if (index >= count || savedAtMs === 0) remove(name);
    }
  }

  return {
    /** The value is not parsed: the caller must validate it. @returns undefined when there is none, or it is too old */
    get: (name: string): unknown => read(name)?.value,

    /** @returns the names and values of all entries that are not too old, in no particular order */
    list(): { name: string; value: unknown }[] {
      const all = attempt(names) ?? [];
      return all.flatMap((name) => {
        const entry = read(name);
        return entry ? [{ name, value: entry.value }] : [];
      });
    },

    /** Stores a value in place of what has this name. Does nothing if it is too long or the browser refuses. */
    put(name: string, value: unknown) {
      const text = JSON.stringify({ saved_at_ms: Date.now(), value });
      attempt(() => {
        if (text.length > lengthMax) return remove(name);
        if (storage.getItem(prefix + name) === null) reduceTo(entriesMax - 1);
        storage.setItem(prefix + name, text);
      });
    },

    remove,
  };
}
