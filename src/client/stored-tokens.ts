// `gemini-coop/client/stored-tokens`: a place for tokens in a browser.
import { listenToWindow } from "./environment.ts";
import { TokenClaims } from "./token-claims.ts";
import type { HeldTokens, TokenStore } from "./tokens.ts";

/** The part of `localStorage` that is used. */
export interface KeyValueStorage {
  getItem(key: string): string | null;
  setItem(key: string, value: string): void;
  removeItem(key: string): void;
}

/**
 * Tokens in a browser's `localStorage`, which its tabs share and which is kept when they are closed. One tab renews the
 * tokens for all, and signing out in one signs out all. Any script of the page can read the tokens there: serve the page
 * with a strict Content-Security-Policy. Tokens that the storage refuses, because it is full, are kept in memory.
 */
export function storedTokens(storage: KeyValueStorage, key = "gemini-coop-tokens"): TokenStore {
  const claims = new TokenClaims(key);
  /** The tokens that the storage has refused. */
  let refused: HeldTokens | null = null;
  return {
    load() {
      if (refused) return refused;
      try {
        const held = JSON.parse(storage.getItem(key) ?? "null");
        return typeof held?.access_token === "string" ? held : null;
      } catch {
        return null;
      }
    },
    save(tokens) {
      refused = null;
      try {
        if (tokens) return storage.setItem(key, JSON.stringify(tokens));
      } catch {
        refused = tokens;
      }
      // Older tokens are spent: a client that found them would end the session for all.
      try {
        storage.removeItem(key);
      } catch {
        // Nothing can be kept here.
      }
    },
    claim: (refreshToken, ms) => claims.claim(refreshToken, ms),
    watch: (listener) => listenToWindow(["storage"], listener),
  };
}
