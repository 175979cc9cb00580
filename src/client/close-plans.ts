// What to do when a socket has closed: the table of close codes in src/wire/frames.ts, seen from the other side.
import type { CloseReason } from "../wire/frames.ts";

/**
 * - `stop`: no other socket until somebody asks for it
 * - `renew`: at once, with new tokens
 * - `replace`: the token was refused. Never again with it; once with new ones, since a clock may be wrong
 * - `soon`: the server is back in a moment, and everybody comes at once: spread out
 * - `later`: the server asked for room to breathe
 * - `retry`: after a pause that grows
 */
export type ClosePlan = "stop" | "renew" | "replace" | "soon" | "later" | "retry";

export const planOfReason: Record<CloseReason, ClosePlan> = {
  bye: "stop",
  invalid_token: "replace",
  token_expired: "renew",
  revoked: "stop",
  flood: "later",
  too_large: "stop",
  restart: "soon",
  too_slow: "later",
  too_many_sockets: "later",
  unavailable: "later",
};

/** For reasons that say nothing, as a proxy's (RFC 6455 §7.4.1). */
const planOfCode: Record<number, ClosePlan> = {
  1000: "stop",
  1008: "stop",
  1009: "stop",
  1012: "soon",
  1013: "later",
};

/** The word that a reason begins with. */
export function wordOf(reason: string): string {
  return /^\w*/.exec(reason)?.[0] ?? "";
}

export function planOf(code: number, reason: string): ClosePlan {
  const word = wordOf(reason);
  if (code !== 1006 && Object.hasOwn(planOfReason, word)) return planOfReason[word as CloseReason];
  return planOfCode[code] ?? "retry";
}

/** Milliseconds. */
export interface Backoff {
  /** The first pause; each next one is twice as long. Default: 500 */
  firstMs: number;
  /** The longest pause. Default: 30 s */
  longestMs: number;
  /** The longest pause after a restart of the server. Default: 2 s */
  soonMs: number;
  /** The first pause when the server wants to be left alone. Default: 5 s */
  laterMs: number;
}

export const backoffDefaults: Backoff = {
  firstMs: 500,
  longestMs: 30_000,
  soonMs: 2_000,
  laterMs: 5_000,
};

/**
 * Milliseconds to wait before try number `tries` (0 is the first). Half of it is left to chance, so that those who were
 * cut off together don't come back together.
 */
export function pauseMs(plan: ClosePlan, tries: number, backoff: Backoff, random: () => number) {
  if (plan === "soon" && tries === 0) return random() * backoff.soonMs;
  if (plan === "renew" && tries === 0) return 0;
  const first = plan === "later" ? backoff.laterMs : backoff.firstMs;
  const longest = Math.max(backoff.longestMs, first);
  return Math.min(longest, first * 2 ** Math.min(tries, 20)) * (0.5 + random() / 2);
}
