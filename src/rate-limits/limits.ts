// How often one may do what: everything that is counted, in one place. A window begins with the first that is counted
// in it, and then all of the quota is there. Many people sit behind one address (an office, a mobile carrier), so that
// an address may do much more than a person; RATE_USER_FACTOR and RATE_ADDRESS_FACTOR multiply these quotas.

export interface Limit {
  /** So many in a window, for one key. */
  readonly quota: number;
  readonly windowSeconds: number;
}

const per = (quota: number, windowSeconds: number): Limit => ({ quota, windowSeconds });
const minute = 60;
const hour = 60 * minute;
const day = 24 * hour;

export interface Rate {
  readonly person?: Limit;
  readonly address: Limit;
  /** What a person is told who is above it. */
  readonly refusal: string;
}

/** Counted whenever they are tried. */
export const rates = {
  /** HTTP requests to /api/. */
  requests: {
    person: per(600, minute),
    address: per(12_000, minute),
    refusal: "Too many requests have come from you.",
  },
  /** Sockets that are opened. After a restart all 50 of a person and all 1,000 of an address come back, some twice. */
  connects: {
    person: per(200, minute),
    address: per(4_000, minute),
    refusal: "Too many sockets were opened.",
  },
  /** Messages, by HTTP and by sockets. The client of src/client waits up to 30 s by itself. */
  sends: {
    person: per(150, 30),
    address: per(3_000, 30),
    refusal: "You are sending messages too fast.",
  },
  /** People who are invited, those that a new chat begins with included: as many as the largest group has. */
  invites: {
    person: per(2_000, hour),
    address: per(10_000, hour),
    refusal: "You have invited too many people.",
  },
  registrations: {
    address: per(200, hour),
    refusal: "Too many people were registered from where you are.",
  },
} as const satisfies Record<string, Rate>;

export type RateName = keyof typeof rates;

/** Attempts to sign in that failed. */
export const signInFailures = {
  /** Of one account from one address: what somebody who tries passwords runs into, and nobody else. */
  accountFromAddress: per(10, 15 * minute),
  /** From one address, whatever the account: one password tried on many. RATE_ADDRESS_FACTOR multiplies it. */
  address: per(100, 15 * minute),
  /**
   * Of one account, from all addresses that have never signed in to it within {@link knownAddressSeconds}: many machines
   * that try one account. OWASP ASVS 4.0.3, 2.2.1, allows 100 an hour.
   */
  account: per(100, hour),
} as const satisfies Record<string, Limit>;

/** For so long an address from which somebody has signed in is not a stranger to the account. */
export const knownAddressSeconds = 14 * day;
