import type { Tokens } from "../wire/users.ts";

/** Tokens with the time at which the access token expires, by this machine's clock. */
export interface HeldTokens extends Tokens {
  expires_at_ms: number;
  /** Identifies a sign-in: the same for all tokens that were renewed since then. */
  session?: string | undefined;
}

/**
 * The place where tokens are kept. Several clients, such as the tabs of a browser, may share one. A refresh token is
 * valid once; clients that share a store take turns to renew it where the Web Locks API exists, and elsewhere if the
 * store has `claim`.
 */
export interface TokenStore {
  load(): HeldTokens | null;
  save(tokens: HeldTokens | null): void;
  /**
   * Claims a refresh token for `ms` milliseconds, before this client exchanges it; 0 gives the claim up. A claim of the
   * same client is extended.
   * @returns false if another client has claimed it: that one is exchanging it, or has done so
   */
  claim?(refreshToken: string, ms: number): Promise<boolean>;
  /** Calls the listener when another client has saved tokens. @returns a function that ends it */
  watch?(listener: () => void): () => void;
}

/** Gets new tokens for those that expire. @throws ProblemError `invalid_token` if the session has ended */
export type RenewTokens = (held: HeldTokens) => Promise<Tokens>;

/** A claim lasts this long, if its client does not extend it: the client may have been closed. */
export const claimMs = 5_000;
const lockName = "gemini-coop-tokens";
/** A token is renewed this long before it expires, or in the last fifth of a short life. */
const renewMsBefore = 60_000;

interface Locks {
  request<T>(name: string, work: () => Promise<T>): Promise<T>;
}

/** Runs work in one client at a time, where the Web Locks API exists. */
export function withLock<T>(work: () => Promise<T>): Promise<T> {
  const { navigator } = globalThis as { navigator?: { locks?: Locks } };
  return navigator?.locks ? navigator.locks.request(lockName, work) : work();
}

/** @param session default: a new one */
export function holdTokens(tokens: Tokens, session = String(Math.random())): HeldTokens {
  return { ...tokens, expires_at_ms: Date.now() + tokens.expires_in * 1_000, session };
}

/** Undefined when nobody is signed in. Tokens that an older client has stored have no session. */
export function sessionOf(held: HeldTokens | null): string | undefined {
  return held ? (held.session ?? "") : undefined;
}

/** Milliseconds until the tokens should be renewed; at most 0 when it is time. */
export function renewableInMs(tokens: HeldTokens): number {
  const margin = Math.min(renewMsBefore, tokens.expires_in * 200);
  return tokens.expires_at_ms - margin - Date.now();
}

/** Settles when another client has saved tokens, and after `ms` at the latest. */
export function untilStoreChanges(store: TokenStore, ms: number): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(done, store.watch ? ms : 0);
    const unwatch = store.watch?.(done);
    function done() {
      clearTimeout(timer);
      unwatch?.();
      resolve();
    }
  });
}

/** Keeps tokens until the page or the process ends. */
export function memoryTokens(): TokenStore {
  let held: HeldTokens | null = null;
  return { load: () => held, save: (tokens) => void (held = tokens) };
}
