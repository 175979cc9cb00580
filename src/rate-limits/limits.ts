// All quotas. A window begins with the first action that is counted in it. Many people share one address (an office, a
// mobile carrier), so an address may do much more than a person. RATE_USER_FACTOR and RATE_ADDRESS_FACTOR multiply these
// quotas.

export interface Limit {
  /** Points in a window, for one key. */
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
  /** The sentence that refuses an action above the quota. */
  readonly refusal: string;
}

/** Actions that count whenever they are tried. */
export const rates = {
  /** HTTP requests to /api/. */
  requests: {
    person: per(600, minute),
    address: per(12_000, minute),
    refusal: "Too many requests have come from you.",
  },
  /** Sockets that are opened. After a restart all 50 of a person and all 1,000 of an address reconnect, some twice. */
  connects: {
    person: per(200, minute),
    address: per(4_000, minute),
    refusal: "Too many sockets were opened.",
  },
  /** Messages, by HTTP and by sockets. The client in src/client waits for up to 30 s when it is refused. */
  sends: {
    person: per(150, 30),
    address: per(3_000, 30),
    refusal: "You are sending messages too fast.",
  },
  /** Files that are uploaded, begun in parts, sent part by part, or deleted. */
  uploads: {
    person: per(300, minute),
    address: per(6_000, minute),
    refusal: "You are uploading files too fast.",
  },
  /** Pictures of people and chats that are set or removed, each of which is shown to everybody in the chats. */
  pictures: {
    person: per(30, 10 * minute),
    address: per(600, 10 * minute),
    refusal: "You are changing pictures too often.",
  },
  /** Reactions that are added or taken back, by HTTP and by sockets. */
  reactions: {
    person: per(150, 30),
    address: per(3_000, 30),
    refusal: "You are reacting too fast.",
  },
  /** Edits and deletions of messages, by HTTP and by sockets. */
  edits: {
    person: per(120, minute),
    address: per(2_400, minute),
    refusal: "You are changing messages too fast.",
  },
  /** Reports of messages. */
  reports: {
    person: per(20, 10 * minute),
    address: per(400, 10 * minute),
    refusal: "You are reporting messages too fast.",
  },
  /** Changes of roles, and resolutions of reports. */
  moderation: {
    person: per(120, minute),
    address: per(2_400, minute),
    refusal: "You are moderating too fast.",
  },
  /** Exports of chats and of a person's data. */
  exports: {
    person: per(30, hour),
    address: per(600, hour),
    refusal: "You have exported too often.",
  },
  /** Mentions of everybody in a group of more than 50 people, in sent and in edited messages. */
  largeMentions: {
    person: per(60, hour),
    address: per(600, hour),
    refusal: "You have mentioned everybody too often.",
  },
  /** Invited people, also those that a chat is created with: the quota is the size of the largest group. */
  invites: {
    person: per(2_000, hour),
    address: per(10_000, hour),
    refusal: "You have invited too many people.",
  },
  /** Searches for people, one for each pause in typing. The quota keeps a person from listing all usernames quickly. */
  userSearches: {
    person: per(120, minute),
    address: per(2_400, minute),
    refusal: "You are searching for people too fast.",
  },
  /** Profiles that are looked at. The quota keeps a person from reading all of them quickly. */
  userLookups: {
    person: per(300, minute),
    address: per(6_000, minute),
    refusal: "You are looking at profiles too fast.",
  },
  /** Changes of a display name or a bio, each of which is sent to everybody in the person's chats. */
  profileChanges: {
    person: per(30, 10 * minute),
    address: per(600, 10 * minute),
    refusal: "You are changing your profile too often.",
  },
  /** People who are blocked or unblocked. */
  blocks: {
    person: per(120, minute),
    address: per(2_400, minute),
    refusal: "You are blocking people too fast.",
  },
  /** Searches for messages, one for each pause in typing. */
  searches: {
    person: per(120, minute),
    address: per(2_400, minute),
    refusal: "You are searching too fast.",
  },
  /** Moves of read positions, by HTTP and by sockets. */
  reads: {
    person: per(300, minute),
    address: per(6_000, minute),
    refusal: "You are marking chats as read too fast.",
  },
  /** Changes of a person's own settings, of the account or of a chat. */
  settings: {
    person: per(120, minute),
    address: per(2_400, minute),
    refusal: "You are changing your settings too fast.",
  },
  /** Access keys and bots that are created or deleted. */
  accessKeys: {
    person: per(60, hour),
    address: per(600, hour),
    refusal: "You are creating or deleting keys and bots too fast.",
  },
  /** Webhooks that are created, changed, deleted or tried, and deliveries that are sent again. */
  webhooks: {
    person: per(120, hour),
    address: per(1_200, hour),
    refusal: "You are changing or trying webhooks too often.",
  },
  /** Incoming webhooks that are created or revoked. */
  hooks: {
    person: per(60, hour),
    address: per(600, hour),
    refusal: "You are creating or revoking incoming webhooks too fast.",
  },
  /** Messages that come by incoming webhooks: the person is the account of the webhook. Unknown addresses count as well. */
  hookPosts: {
    person: per(60, minute),
    address: per(1_200, minute),
    refusal: "Too many messages come by incoming webhooks.",
  },
  /** Statuses that clients claim. A client claims one when its page is hidden or shown. */
  presence: {
    person: per(300, minute),
    address: per(6_000, minute),
    refusal: "Your status changes too fast.",
  },
  /** People whom sockets begin to watch, each time that they do. After a restart all 50 sockets of a person may watch 500. */
  presenceWatches: {
    person: per(30_000, minute),
    address: per(600_000, minute),
    refusal: "You are watching other people too often.",
  },
  /** Mails that are asked for: links that verify an address, or reset a password. */
  mails: {
    person: per(10, hour),
    address: per(60, hour),
    refusal: "You have asked for too many mails.",
  },
  /** Links of mails that are used, or tried. */
  mailLinks: {
    address: per(120, hour),
    refusal: "Too many links were tried from where you are.",
  },
  /** Visits to providers that are begun or ended, and codes that are exchanged: three for each sign-in. */
  providerSignIns: {
    person: per(60, 10 * minute),
    address: per(1_200, 10 * minute),
    refusal: "Too many sign-ins by other accounts have come from where you are.",
  },
  registrations: {
    address: per(200, hour),
    refusal: "Too many people were registered from where you are.",
  },
} as const satisfies Record<string, Rate>;

export type RateName = keyof typeof rates;

/** Attempts to sign in that failed. */
export const signInFailures = {
  /** On one account from one address: reached by somebody who tries passwords, and by nobody else. */
  accountFromAddress: per(10, 15 * minute),
  /** From one address on any account: one password tried on many accounts. RATE_ADDRESS_FACTOR multiplies it. */
  address: per(100, 15 * minute),
  /**
   * On one account from all addresses without a sign-in to it within {@link knownAddressSeconds}: many machines that
   * try one account. OWASP ASVS 4.0.3, 2.2.1, allows 100 an hour.
   */
  account: per(100, hour),
} as const satisfies Record<string, Limit>;

/** Seconds for which an address from which somebody has signed in counts as known to the account. */
export const knownAddressSeconds = 14 * day;
