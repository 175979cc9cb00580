// What to do when a socket has closed: the table of close codes in src/wire/frames.ts, seen from the other side.
import type { CloseReason } from "../wire/frames.ts";
import type { Timing } from "./timing.ts";

/**
 * - `stop`: no other socket until somebody asks for it
 * - `renew`: at once, with new tokens
 * - `replace`: the token was refused. Never again with it; once with new ones, since a clock may be wrong
 * - `soon`: the server is back in a moment, and everybody comes at once: spread out
 * - `later`: the server asked for room to breathe
 * - `retry`: after a pause that grows
 */
export type ClosePlan = "stop" | "renew" | "replace" | "soon" | "later" | "retry";

/** What these say differs from what their code does; all others say the same (RFC 6455 §7.4.1). */
const planOfReason = new Map<string, ClosePlan>([
  ["invalid_token" satisfies CloseReason, "replace"],
  ["token_expired" satisfies CloseReason, "renew"],
  ["flood" satisfies CloseReason, "later"],
]);

const planOfCode: Partial<Record<number, ClosePlan>> = {
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
  return (code === 1008 && planOfReason.get(wordOf(reason))) || planOfCode[code] || "retry";
}

/**
 * Milliseconds to wait before try number `tries`; 0 is the first.
 * @param plan default: `retry`
 */
export type PauseMs = (tries: number, plan?: ClosePlan) => number;

/**
 * Half of a pause is left to chance, so that those who were cut off together don't come back together.
 * @param random from 0 to below 1
 */
export function createPauses(timing: Timing, random: () => number): PauseMs {
  return (tries, plan) => {
    if (plan === "renew" && tries === 0) return 0;
    if (plan === "soon" && tries === 0) return random() * timing.soonMs;
    const first = plan === "later" ? timing.laterMs : timing.retryMs;
    return Math.min(timing.retryMsMax, first * 2 ** tries) * (0.5 + random() / 2);
  };
}
