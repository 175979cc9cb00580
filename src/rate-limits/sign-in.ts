// Trying passwords is slowed down without locking anybody out: what counts first is an account together with the address
// that fails on it, so that the owner signs in from elsewhere. What one address does on many accounts, and many do on one,
// has wider limits, and the last leaves out the addresses that the owner is known by.
import type { Problem } from "../wire/problems.ts";
import type { Count, Limiter } from "./limiter.ts";

export interface SignInAttempt {
  /** As it was given: whether there is such an account makes no difference. */
  readonly username: string;
  /** The network that it comes from. */
  readonly network: string;
}

export interface SignInLimiters {
  readonly accountFromAddress: Limiter;
  readonly address: Limiter;
  readonly account: Limiter;
  readonly known: Limiter;
}

export interface SignInGuardOptions {
  /** Whether what was thrown says that the password was wrong. */
  isWrong: (error: unknown) => boolean;
  refusal: (count: Count) => Problem;
}

/** Every attempt is counted before it is made, since many may be under way at once; what did not fail is given back. */
export function createSignInGuard(
  limiters: SignInLimiters,
  { isWrong, refusal }: SignInGuardOptions,
) {
  return async <T>({ username, network }: SignInAttempt, signIn: () => Promise<T>): Promise<T> => {
    const account = accountOf(username);
    const pair = `${account} ${network}`;
    const counted: [Limiter, key: string][] = [
      [limiters.accountFromAddress, pair],
      [limiters.address, network],
    ];
    if (!(await limiters.known.isMarked(pair))) counted.push([limiters.account, account]);

    const taken: [Limiter, key: string][] = [];
    const giveBack = () => Promise.all(taken.map(([limiter, key]) => limiter.giveBack(key)));
    for (const [limiter, key] of counted) {
      const count = await limiter.take(key);
      if (!count.allowed) {
        await giveBack();
        throw refusal(count);
      }
      taken.push([limiter, key]);
    }
    try {
      const result = await signIn();
      await giveBack();
      await limiters.accountFromAddress.reset(pair);
      await limiters.known.mark(pair);
      return result;
    } catch (error) {
      if (!isWrong(error)) await giveBack();
      throw error;
    }
  };
}

/** What can be no account's name is counted as one: PostgreSQL's `lower` might make a name of it. */
function accountOf(username: string): string {
  return /^[\w.-]{2,32}$/.test(username) ? username.toLowerCase() : "*";
}
