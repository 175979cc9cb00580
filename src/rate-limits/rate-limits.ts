// Rate limits for each person and each address. A refused action has changed nothing, and has asked nothing of the
// database where the counters are in memory.
import type { Logger } from "pino";
import type { Config } from "../config/config.ts";
import type { Sql } from "../database/connect.ts";
import { Problem } from "../wire/problems.ts";
import { Limiter, type Count, type LimiterOptions } from "./limiter.ts";
import {
  knownAddressSeconds,
  rates,
  signInFailures,
  type Limit,
  type Rate,
  type RateName,
} from "./limits.ts";
import { PostgresStore } from "./postgres-store.ts";
import { SignInGuard, type SignInAttempt } from "./sign-in.ts";

/** The keys that an action counts for; one that is left out is not counted. */
export interface Doer {
  readonly userId?: number | undefined;
  /** The network of an address. */
  readonly network?: string | undefined;
}

export interface Verdict {
  /** The person's count, then the address's. */
  readonly counts: readonly Count[];
  /** `rate_limited`, where one of them was above its quota. */
  readonly refusal: Problem | undefined;
}

export interface RateLimits {
  /** False: nothing is counted. */
  readonly on: boolean;
  /** Counts `points` of an action before it is done. An action that a person is refused does not count for the address. */
  take(name: RateName, doer: Doer, points?: number): Promise<Verdict>;
  /**
   * Signs somebody in, unless too many attempts have failed before.
   * @throws Problem `rate_limited`, also with the right password; whatever `signIn` throws, of which `invalid_credentials`,
   * `wrong_password` and `invalid_code` count as failures, and `mfa_required` as a success
   */
  guardSignIn<T>(attempt: SignInAttempt, signIn: () => Promise<T>): Promise<T>;
  /** Removes counters whose window is over. A recurring task calls it. */
  cleanUp(): Promise<void>;
}

const unlimited: RateLimits = {
  on: false,
  take: async () => ({ counts: [], refusal: undefined }),
  guardSignIn: (_, signIn) => signIn(),
  cleanUp: async () => undefined,
};

export interface RateLimitsParts {
  config: Config;
  sql: Sql;
  log: Logger;
}

export function createRateLimits(parts: RateLimitsParts): RateLimits {
  return parts.config.rates.store === "off" ? unlimited : new CountedRateLimits(parts);
}

class CountedRateLimits implements RateLimits {
  readonly on = true;
  readonly #rates: Config["rates"];
  readonly #store: PostgresStore | undefined;
  readonly #limiters = new Map<RateName, { person: Limiter | undefined; address: Limiter }>();
  readonly #signIn: SignInGuard;

  constructor({ config, sql, log }: RateLimitsParts) {
    this.#rates = config.rates;
    this.#store = config.rates.store === "postgres" ? new PostgresStore(sql, log) : undefined;
    this.#signIn = this.#createSignInGuard();
  }

  async take(name: RateName, { userId, network }: Doer, points = 1): Promise<Verdict> {
    const { person, address } = this.#limitersOf(name);
    const counts: Count[] = [];
    if (person && userId !== undefined) counts.push(await person.take(String(userId), points));
    if (network !== undefined && counts.every(({ allowed }) => allowed)) {
      counts.push(await address.take(network, points));
    }
    const refused = counts.find(({ allowed }) => !allowed);
    return { counts, refusal: refused && refusalOf(rates[name].refusal, refused) };
  }

  guardSignIn<T>(attempt: SignInAttempt, signIn: () => Promise<T>): Promise<T> {
    return this.#signIn.guard(attempt, signIn);
  }

  async cleanUp(): Promise<void> {
    await this.#store?.deleteExpired();
  }

  #limitersOf(name: RateName) {
    const rate: Rate = rates[name];
    const { userFactor, addressFactor } = this.#rates;
    return this.#limiters.getOrInsertComputed(name, () => ({
      person: rate.person && this.#limiter(`${name}-person`, rate.person, userFactor),
      address: this.#limiter(`${name}-address`, rate.address, addressFactor),
    }));
  }

  #limiter(policy: string, limit: Limit, factor = 1, options: LimiterOptions = {}): Limiter {
    return new Limiter(policy, { ...limit, quota: limit.quota * factor }, this.#store, options);
  }

  #createSignInGuard(): SignInGuard {
    const { accountFromAddress, address, account } = signInFailures;
    const options = { givesBack: true };
    const known = { quota: 1, windowSeconds: knownAddressSeconds };
    return new SignInGuard(
      {
        address: this.#limiter("sign-in-address", address, this.#rates.addressFactor, options),
        accountFromAddress: this.#limiter(
          "sign-in-account-address",
          accountFromAddress,
          1,
          options,
        ),
        account: this.#limiter("sign-in-account", account, 1, options),
        known: this.#limiter("sign-in-known", known),
      },
      {
        isWrong: (error) =>
          error instanceof Problem &&
          ["invalid_credentials", "wrong_password", "invalid_code"].includes(error.code),
        isRight: (error) => error instanceof Problem && error.code === "mfa_required",
        refusal: (count) => refusalOf("Too many attempts to sign in have failed.", count),
      },
    );
  }
}

function refusalOf(words: string, { resetSeconds }: Count): Problem {
  const wait =
    resetSeconds < 120 ? `${resetSeconds} seconds` : `${Math.ceil(resetSeconds / 60)} minutes`;
  return new Problem("rate_limited", `${words} Try again in ${wait}.`, {
    retryAfterSeconds: resetSeconds,
  });
}
