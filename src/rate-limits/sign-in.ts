// Trying passwords is slowed down without locking anybody out. An account is counted first together with the address that
// fails on it, so that its owner can sign in from elsewhere. One address on many accounts and many addresses on one
// account have wider limits; the latter leaves out the addresses from which the owner has signed in before.
import type { Problem } from "../wire/problems.ts";
import type { Count, Limiter } from "./limiter.ts";

export interface SignInAttempt {
  /** The username as it was given; whether there is such an account makes no difference. */
  readonly username: string;
  /** Codes are counted apart from passwords: knowing one must not help to find out the other. */
  readonly factor: "password" | "code";
  /** The network that the attempt comes from. */
  readonly network: string;
}

export interface SignInLimiters {
  readonly accountFromAddress: Limiter;
  readonly address: Limiter;
  readonly account: Limiter;
  readonly known: Limiter;
}

export interface SignInGuardOptions {
  /** Whether an error says that the password or the code was wrong. */
  isWrong: (error: unknown) => boolean;
  /** Whether an error says that the password was right, and something else is missing. */
  isRight: (error: unknown) => boolean;
  refusal: (count: Count) => Problem;
}

type Taken = readonly (readonly [Limiter, key: string])[];

export class SignInGuard {
  readonly #limiters: SignInLimiters;
  readonly #options: SignInGuardOptions;

  constructor(limiters: SignInLimiters, options: SignInGuardOptions) {
    this.#limiters = limiters;
    this.#options = options;
  }

  /** See {@link RateLimits.guardSignIn}. */
  async guard<T>(attempt: SignInAttempt, signIn: () => Promise<T>): Promise<T> {
    const { network } = attempt;
    const account = accountOf(attempt);
    const pair = `${account} ${network}`;
    // An attempt is counted before it is made, since many may be under way at once; if it doesn't fail it is given back.
    const taken = await this.#take(account, network, pair);
    try {
      const result = await signIn();
      await this.#noteRight(taken, pair);
      return result;
    } catch (error) {
      if (this.#options.isRight(error)) await this.#noteRight(taken, pair);
      else if (!this.#options.isWrong(error)) await giveBack(taken);
      throw error;
    }
  }

  async #noteRight(taken: Taken, pair: string): Promise<void> {
    await giveBack(taken);
    await this.#limiters.accountFromAddress.reset(pair);
    await this.#limiters.known.mark(pair);
  }

  /** @throws Problem `rate_limited` */
  async #take(account: string, network: string, pair: string): Promise<Taken> {
    const limiters = this.#limiters;
    // The address comes first: one that is refused on any account leaves no counts of more and more accounts.
    const counted: [Limiter, key: string][] = [
      [limiters.address, network],
      [limiters.accountFromAddress, pair],
    ];
    if (!(await limiters.known.isMarked(pair))) counted.push([limiters.account, account]);
    const taken: [Limiter, key: string][] = [];
    for (const [limiter, key] of counted) {
      const count = await limiter.take(key);
      taken.push([limiter, key]);
      if (count.allowed) continue;
      // The refused attempt, too: it may be above the quota only because of others under way, none of which fails.
      await giveBack(taken);
      throw this.#options.refusal(count);
    }
    return taken;
  }
}

async function giveBack(taken: Taken): Promise<void> {
  await Promise.all(taken.map(([limiter, key]) => limiter.giveBack(key)));
}

/** All names that no account can have are counted as one, since PostgreSQL's `lower` might make an account's name of them. */
function accountOf({ username, factor }: SignInAttempt): string {
  const name = /^[\w.-]{2,32}$/.test(username) ? username.toLowerCase() : "*";
  return factor === "password" ? name : `${factor} of ${name}`;
}
