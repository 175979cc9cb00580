// The client's reaction to a closed socket: the counterpart of the table of close codes in src/wire/close-codes.ts.
import type { CloseReason } from "../wire/close-codes.ts";
import type { Timing } from "./timing.ts";

/**
 * - `stop`: do not reconnect until the application calls `connect`
 * - `renew`: reconnect at once, with new tokens
 * - `replace`: the token was refused. Reconnect once with new tokens, since a clock may be wrong; never with the same
 * - `soon`: the server restarts. Reconnect within seconds, at a random moment, since every client does
 * - `later`: the server is overloaded. Reconnect after a longer pause
 * - `retry`: reconnect after a pause that grows with each try
 */
export type ClosePlan = "stop" | "renew" | "replace" | "soon" | "later" | "retry";

/** Plans by close code (RFC 6455 §7.4.1), and by a reason of 1008 whose plan differs from the plan of that code. */
const plans = new Map<unknown, ClosePlan>([
  ["invalid_token" satisfies CloseReason, "replace"],
  ["token_expired" satisfies CloseReason, "renew"],
  ["flood" satisfies CloseReason, "later"],
  [1000, "stop"],
  [1008, "stop"],
  [1009, "stop"],
  [1012, "soon"],
  [1013, "later"],
]);

/** The word that a close reason begins with. */
export function wordOf(reason: string): string {
  return reason.replace(/\W.*/s, "");
}

export function planOf(code: number, reason: string): ClosePlan {
  return (code === 1008 && plans.get(wordOf(reason))) || plans.get(code) || "retry";
}

/**
 * Milliseconds to wait before try number `tries`; 0 is the first.
 * @param plan default: `retry`
 */
export type PauseMs = (tries: number, plan?: ClosePlan) => number;

/**
 * Half of each pause is random, so that clients that were disconnected together do not reconnect together.
 * @param random returns numbers from 0 to below 1
 */
export function createPauses(timing: Timing, random: () => number): PauseMs {
  return (tries, plan) => {
    if (plan === "renew" && tries === 0) return 0;
    if (plan === "soon" && tries === 0) return random() * timing.soonMs;
    const first = plan === "later" ? timing.laterMs : timing.retryMs;
    return Math.min(timing.retryMsMax, first * 2 ** tries) * (0.5 + random() / 2);
  };
}
