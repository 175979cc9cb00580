// Who may do what how often. What is refused has changed nothing, and has asked nothing of the database where the counters
// are in memory.
import type { Logger } from "pino";
import type { Config } from "../config/config.ts";
import type { Sql } from "../database/connect.ts";
import { Problem } from "../wire/problems.ts";
import { createLimiter, type Count, type Limiter } from "./limiter.ts";
import {
  knownAddressSeconds,
  rates,
  signInFailures,
  type Limit,
  type Rate,
  type RateName,
} from "./limits.ts";
import { createPostgresStore, deleteExpiredRates } from "./postgres-store.ts";
import { createSignInGuard, type SignInAttempt } from "./sign-in.ts";

/** Who does something; what is left out is not counted. */
export interface Doer {
  readonly userId?: number | undefined;
  /** The network of an address. */
  readonly network?: string | undefined;
}

export interface Verdict {
  /** Of the person, then of the address. */
  readonly counts: readonly Count[];
  /** `rate_limited`, where one of them was above its quota. */
  readonly refusal: Problem | undefined;
}

export interface RateLimits {
  /** False: nothing is counted. */
  readonly on: boolean;
  /** Counts so many of something that is about to be done. What a person is refused does not count for the address. */
  take(name: RateName, doer: Doer, points?: number): Promise<Verdict>;
  /**
   * Signs somebody in, unless too many attempts have failed before.
   * @throws Problem `rate_limited`, also with the right password; whatever `signIn` throws, of which
   * `invalid_credentials` and `wrong_password` count as failures
   */
  guardSignIn<T>(attempt: SignInAttempt, signIn: () => Promise<T>): Promise<T>;
  /** Removes what is over. Called now and then. */
  cleanUp(): Promise<void>;
}

const off: RateLimits = {
  on: false,
  take: async () => ({ counts: [], refusal: undefined }),
  guardSignIn: (_, signIn) => signIn(),
  cleanUp: async () => undefined,
};

export function createRateLimits({
  config,
  sql,
  log,
}: {
  config: Config;
  sql: Sql;
  log: Logger;
}): RateLimits {
  const { store: place, userFactor, addressFactor } = config.rates;
  if (place === "off") return off;
  const store = place === "postgres" ? createPostgresStore(sql, log) : undefined;
  const limiterOf = (policy: string, { quota, windowSeconds }: Limit, factor = 1) =>
    createLimiter(policy, { quota: quota * factor, windowSeconds }, store);

  const limiters = new Map<RateName, { person: Limiter | undefined; address: Limiter }>();
  function limitersOf(name: RateName) {
    const rate: Rate = rates[name];
    return limiters.getOrInsertComputed(name, () => ({
      person: rate.person && limiterOf(`${name}-person`, rate.person, userFactor),
      address: limiterOf(`${name}-address`, rate.address, addressFactor),
    }));
  }
  const guardSignIn = createSignInGuard(
    {
      accountFromAddress: limiterOf("sign-in-account-address", signInFailures.accountFromAddress),
      address: limiterOf("sign-in-address", signInFailures.address, addressFactor),
      account: limiterOf("sign-in-account", signInFailures.account),
      known: limiterOf("sign-in-known", { quota: 1, windowSeconds: knownAddressSeconds }),
    },
    {
      isWrong: (error) =>
        error instanceof Problem && ["invalid_credentials", "wrong_password"].includes(error.code),
      refusal: (count) => refusalOf("Too many attempts to sign in have failed.", count),
    },
  );

  return {
    on: true,
    async take(name, { userId, network }, points = 1) {
      const { person, address } = limitersOf(name);
      const counts: Count[] = [];
      if (person && userId !== undefined) counts.push(await person.take(String(userId), points));
      if (network !== undefined && counts.every(({ allowed }) => allowed)) {
        counts.push(await address.take(network, points));
      }
      const refused = counts.find(({ allowed }) => !allowed);
      return { counts, refusal: refused && refusalOf(rates[name].refusal, refused) };
    },
    guardSignIn,
    cleanUp: () => (store ? deleteExpiredRates(sql) : Promise.resolve()),
  };
}

function refusalOf(words: string, { resetSeconds }: Count): Problem {
  const wait =
    resetSeconds < 120 ? `${resetSeconds} seconds` : `${Math.ceil(resetSeconds / 60)} minutes`;
  return new Problem("rate_limited", `${words} Try again in ${wait}.`, {
    retryAfterSeconds: resetSeconds,
  });
}
