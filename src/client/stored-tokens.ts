// `gemini-coop/client/stored-tokens`: a place for tokens in a browser.
import type { TokenStore } from "./session.ts";

/** As much of `localStorage` as is used. */
export interface KeyValueStorage {
  getItem(key: string): string | null;
  setItem(key: string, value: string): void;
  removeItem(key: string): void;
}

/**
 * Tokens in a browser's `localStorage`, shared by its tabs and kept when they are closed. Any script of the page can
 * read them there: serve it with a strict Content-Security-Policy.
 */
export function storedTokens(storage: KeyValueStorage, key = "gemini-coop-tokens"): TokenStore {
  return {
    load() {
      try {
        const held = JSON.parse(storage.getItem(key) ?? "null");
        return typeof held?.access_token === "string" ? held : null;
      } catch {
        return null;
      }
    },
    save(tokens) {
      if (tokens) storage.setItem(key, JSON.stringify(tokens));
      else storage.removeItem(key);
    },
  };
}
