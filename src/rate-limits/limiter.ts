// A counter for each key, by rate-limiter-flexible: in this process, or in PostgreSQL for several nodes.
import {
  RateLimiterMemory,
  RateLimiterPostgres,
  RateLimiterRes,
  type RateLimiterAbstract,
} from "rate-limiter-flexible";
import type { Limit } from "./limits.ts";
import type { PostgresStore } from "./postgres-store.ts";

/**
 * Keys that a limit counts in memory at once, less than 1 KB each. An attacker with more addresses than that would not
 * be stopped by counting them: further keys are let through, and those already counted go on being counted.
 */
const memoryKeysMax = 100_000;

export interface LimiterOptions {
  /** Keys that are counted in memory at most. */
  keysMax?: number;
  /**
   * Whether points are given back. Then every attempt is counted, also one above the quota. Otherwise a server refuses a key above its quota
   * until the window is over, without asking the database again.
   */
  givesBack?: boolean;
}

/** The state of a key after something was counted. */
export interface Count extends Limit {
  /** The limit's name. */
  readonly policy: string;
  readonly allowed: boolean;
  readonly remaining: number;
  /** Seconds until the window ends; at least 1. */
  readonly resetSeconds: number;
}

export class Limiter {
  readonly #policy: string;
  readonly #limit: Limit;
  readonly #limiter: RateLimiterAbstract;

  /** @param store undefined: the memory of this process */
  constructor(
    policy: string,
    limit: Limit,
    store: PostgresStore | undefined,
    { keysMax = memoryKeysMax, givesBack = false }: LimiterOptions = {},
  ) {
    this.#policy = policy;
    this.#limit = limit;
    const options = { keyPrefix: policy, points: limit.quota, duration: limit.windowSeconds };
    const memory = new BoundedMemory(options, keysMax);
    this.#limiter = store
      ? new RateLimiterPostgres({
          ...options,
          ...store.libraryOptions,
          ...(givesBack ? {} : { inMemoryBlockOnConsumed: limit.quota + 1 }),
          // While the database is away each node counts by itself. To refuse everybody would be a second failure, and
          // to count nothing would let passwords be tried.
          insuranceLimiter: memory,
        })
      : memory;
  }

  /** Counts `points`, and says whether the quota still held. */
  async take(key: string, points = 1): Promise<Count> {
    try {
      return this.#countOf(true, await this.#limiter.consume(key, points));
    } catch (refusal) {
      if (!(refusal instanceof RateLimiterRes)) throw refusal;
      return this.#countOf(false, refusal);
    }
  }

  /** Takes back one point that was counted. */
  async giveBack(key: string): Promise<void> {
    await this.#limiter.reward(key);
  }

  async reset(key: string): Promise<void> {
    await this.#limiter.delete(key);
  }

  /** Remembers a key for the window. */
  async mark(key: string): Promise<void> {
    await this.#limiter.set(key, 1, this.#limit.windowSeconds);
  }

  async isMarked(key: string): Promise<boolean> {
    const found = await this.#limiter.get(key);
    return found !== null && found.msBeforeNext > 0;
  }

  #countOf(allowed: boolean, { remainingPoints, msBeforeNext }: RateLimiterRes): Count {
    return {
      policy: this.#policy,
      ...this.#limit,
      allowed,
      remaining: remainingPoints,
      resetSeconds: Math.max(1, Math.ceil(msBeforeNext / 1000)),
    };
  }
}

/** The library's memory forgets keys whose window is over, but is not bounded. */
class BoundedMemory extends RateLimiterMemory {
  readonly #keysMax: number;
  /** Keys that began in this window and in the one before: no others can be alive. */
  #began = { now: 0, before: 0, sinceMs: Date.now() };

  constructor(options: ConstructorParameters<typeof RateLimiterMemory>[0], keysMax: number) {
    super(options);
    this.#keysMax = keysMax;
  }

  override async consume(key: string | number, points = 1): Promise<RateLimiterRes> {
    if (await this.#hasRoomFor(key)) return await super.consume(key, points);
    return new RateLimiterRes(this.points - points, this.msDuration, points, true);
  }

  override async set(key: string | number, points: number, seconds: number) {
    if (await this.#hasRoomFor(key)) return await super.set(key, points, seconds);
    return new RateLimiterRes(this.points - points, seconds * 1000, points, true);
  }

  async #hasRoomFor(key: string | number): Promise<boolean> {
    if (await this.get(key)) return true;
    const { now, before, sinceMs } = this.#began;
    const windows = (Date.now() - sinceMs) / this.msDuration;
    if (windows >= 1) {
      this.#began = { now: 0, before: windows >= 2 ? 0 : now, sinceMs: Date.now() };
    } else if (now + before >= this.#keysMax) {
      return false;
    }
    this.#began.now += 1;
    return true;
  }
}
