// Claims that are shared by all tabs and windows of a browser, also where the Web Locks API is missing, as it is on
// pages that were loaded over plain HTTP. They are kept in IndexedDB: its transactions are serialised by the browser,
// while what one process writes to localStorage becomes visible in another one only after a while.
import { Timer } from "./timer.ts";

interface Claim {
  /** The end of a refresh token: enough to identify it, too little to use it. */
  readonly token: string;
  readonly owner: string;
  /** Time by this machine's clock. */
  readonly untilMs: number;
}

/** The part of IndexedDB that is used. */
interface StoreRequest<T> {
  readonly result: T;
  addEventListener(type: string, listener: () => void): void;
}
interface Database {
  createObjectStore(name: string): unknown;
  transaction(
    name: string,
    mode: "readwrite",
  ): {
    objectStore(name: string): {
      get(key: string): StoreRequest<Claim | undefined>;
      put(claim: Claim, key: string): unknown;
    };
    addEventListener(type: string, listener: () => void): void;
  };
}
interface DatabaseFactory {
  open(name: string, version: number): StoreRequest<Database>;
}

const databaseName = "gemini-coop";
const storeName = "claims";
const identifyingLength = 16;
/** A browser whose IndexedDB does not answer must not keep anybody from renewing. */
const timeoutMs = 2_000;

export class TokenClaims {
  readonly #key: string;
  readonly #owner = crypto.getRandomValues(new Uint32Array(4)).join("-");
  #opening: Promise<Database> | undefined;

  /** @param key the name of what the tokens are kept under */
  constructor(key: string) {
    this.#key = key;
  }

  /**
   * Claims a refresh token for `ms` milliseconds, or extends this client's claim; 0 gives it up.
   * @returns whether no other client has claimed it; true if claims can't be kept here
   */
  async claim(refreshToken: string, ms: number): Promise<boolean> {
    const { indexedDB } = globalThis as { indexedDB?: DatabaseFactory };
    if (!indexedDB) return true;
    const timer = new Timer();
    const timedOut = new Promise<boolean>((resolve) => timer.set(timeoutMs, () => resolve(true)));
    const token = refreshToken.slice(-identifyingLength);
    const claim = { token, owner: this.#owner, untilMs: Date.now() + ms };
    try {
      return await Promise.race([this.#put(await this.#open(indexedDB), claim), timedOut]);
    } catch {
      return true;
    } finally {
      timer.clear();
    }
  }

  #open(indexedDB: DatabaseFactory): Promise<Database> {
    this.#opening ??= new Promise((resolve, reject) => {
      const opening = indexedDB.open(databaseName, 1);
      opening.addEventListener("upgradeneeded", () => opening.result.createObjectStore(storeName));
      opening.addEventListener("success", () => resolve(opening.result));
      opening.addEventListener("error", () => reject(new Error("IndexedDB can't be opened.")));
    });
    return this.#opening;
  }

  /** Stores the claim, unless another client's claim on the same token has not expired. */
  #put(database: Database, claim: Claim): Promise<boolean> {
    return new Promise((resolve, reject) => {
      const transaction = database.transaction(storeName, "readwrite");
      const claims = transaction.objectStore(storeName);
      const reading = claims.get(this.#key);
      let isClaimed = false;
      reading.addEventListener("success", () => {
        const { token, owner, untilMs = 0 } = reading.result ?? {};
        const isOthers = token === claim.token && owner !== claim.owner && untilMs > Date.now();
        isClaimed = !isOthers;
        if (isClaimed) claims.put(claim, this.#key);
      });
      transaction.addEventListener("complete", () => resolve(isClaimed));
      transaction.addEventListener("abort", () => reject(new Error("IndexedDB has aborted.")));
    });
  }
}
