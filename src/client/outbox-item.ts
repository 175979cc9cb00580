// A message in the outbox, and the rules by which it is taken or refused.
import type { PendingMessage, SendResult } from "./pending-message.ts";
import { ProblemError } from "./problem-error.ts";
import { Timer } from "./timer.ts";

/** The largest number of pending messages, including failed ones that were not discarded. */
export const pendingMax = 200;
/** A message that the server wants to be sent later than this has failed: the client does not wait for a day's quota. */
const waitSecondsMax = 30;
const transientCodes =
  /^(network|unexpected_response|flood|unavailable|rate_limited|invalid_token)$/;
/** The server closes a socket that sends a frame above 64 KiB; this leaves room for the frame's other members. */
const contentBytesMax = 64 * 1024 - 512;

export interface Item {
  pending: PendingMessage;
  /** The number of the stored message, once it is known. */
  seq?: number;
  /** Runs until the message has failed. */
  timer: Timer;
  settle: (result: SendResult) => void;
}

export function createItem(message: Omit<PendingMessage, "state" | "problem">): Item {
  const pending = { ...message, state: "queued" as const, problem: undefined };
  return { pending, timer: new Timer(), settle: () => {} };
}

/** Whether the message is worth another try. */
export function isTransient({ code, retryAfterSeconds }: ProblemError): boolean {
  return retryAfterSeconds === undefined
    ? transientCodes.test(code)
    : retryAfterSeconds <= waitSecondsMax;
}

/** @returns the reason not to send a message while `count` others are pending */
export function refusalOf(content: string, count: number): ProblemError | undefined {
  if (count >= pendingMax) return new ProblemError("queue_full", "Too many messages wait.");
  // Quotes and control characters take more bytes in JSON.
  const { length } = new TextEncoder().encode(JSON.stringify(content));
  if (length > contentBytesMax) return new ProblemError("too_large", "The message is too long.");
}
