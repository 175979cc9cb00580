// OWASP Password Storage Cheat Sheet: argon2id with at least 19 MiB, 2 passes, 1 lane. A hash takes about 40 ms of a
// core and 19 MiB, so only a few run at once, and only so many may wait.
import type { Logger } from "pino";
import { Problem } from "../wire/problems.ts";
import { Semaphore } from "../semaphore.ts";

const owaspCost: PasswordCost = { memoryKiB: 19_456, passes: 2 };
/** Stands in the place of the hash for people who sign in by a provider and have chosen no password. No password matches it. */
export const noPassword = "!";
/** bcrypt uses no more of a password, and the servers whose hashes are imported cut it there. */
const bcryptBytesMax = 72;

/** The cost of an argon2id hash. */
export interface PasswordCost {
  readonly memoryKiB: number;
  readonly passes: number;
}

/** Hashes and verifies passwords, two at a time. */
export class Passwords {
  readonly #log: Logger;
  readonly #cost: PasswordCost;
  readonly #semaphore = new Semaphore(
    { runningMax: 2, waitingMax: 200 },
    () =>
      new Problem("unavailable", "Too many people are signing in. Try again in a moment.", {
        retryAfterSeconds: 2,
      }),
  );
  #unknownUserHash: Promise<string> | undefined;

  /** @param cost of new hashes; OWASP's minimum unless said otherwise */
  constructor(log: Logger, cost: PasswordCost = owaspCost) {
    this.#log = log;
    this.#cost = cost;
  }

  /** Hashes that wait for others to end. */
  get waitingCount(): number {
    return this.#semaphore.waitingCount;
  }

  /** @throws Problem `unavailable` when too many wait already */
  hash(password: string): Promise<string> {
    const { memoryKiB: memoryCost, passes: timeCost } = this.#cost;
    return this.#semaphore.run(() =>
      Bun.password.hash(password, { algorithm: "argon2id", memoryCost, timeCost }),
    );
  }

  /**
   * Takes the same time whether or not there is such a user: without a hash, or with a stored text that is no hash, it
   * verifies against a hash that nothing matches.
   * @throws Problem `unavailable` when too many wait already
   */
  async verify(password: string, hash: string | undefined): Promise<boolean> {
    // The hash is made for known users, too: otherwise the first unknown user would wait for two hashes.
    const unmatchable = await this.#hashOfNobody();
    const known = hash !== undefined && this.#isHash(hash) ? hash : undefined;
    const against = known ?? unmatchable;
    const matches = await this.#semaphore.run(async () => {
      try {
        return await Bun.password.verify(hashedPart(password, against), against);
      } catch (error) {
        // A damaged hash that only looks like one.
        this.#log.error(
          { err: error },
          "a stored password could not be verified: it is no valid hash",
        );
        return false;
      }
    });
    return matches && known !== undefined;
  }

  /** Whether a stored hash costs an attacker less than one that is made now: another algorithm, less memory, fewer passes. */
  isWeak(hash: string): boolean {
    const [, memory, passes] = /^\$argon2id\$v=19\$m=(\d+),t=(\d+),p=\d+\$/.exec(hash) ?? [];
    return !(Number(memory) >= this.#cost.memoryKiB && Number(passes) >= this.#cost.passes);
  }

  #isHash(stored: string): boolean {
    if (stored === noPassword) return false;
    if (/^\$(argon2(id?|d)|2[aby])\$/.test(stored)) return true;
    this.#log.error(
      "a stored password is neither an argon2 nor a bcrypt hash: nobody can sign in with it",
    );
    return false;
  }

  async #hashOfNobody(): Promise<string> {
    this.#unknownUserHash ??= this.hash(crypto.randomUUID());
    try {
      return await this.#unknownUserHash;
    } catch (error) {
      // The semaphore has refused it: the next call tries again.
      this.#unknownUserHash = undefined;
      throw error;
    }
  }
}

/** Bun itself would replace a password that is too long for bcrypt by its SHA-512. */
function hashedPart(password: string, hash: string): string | Uint8Array {
  if (!/^\$2[aby]\$/.test(hash)) return password;
  return new TextEncoder().encode(password).subarray(0, bcryptBytesMax);
}
