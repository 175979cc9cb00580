import type { ErrorFrame } from "../wire/frames.ts";
import type { FieldError, ProblemBody, ProblemCode } from "../wire/problems.ts";
import type { z } from "zod";

/**
 * The reason of a failure: a code of the server, or one of the client's own.
 * - `network`: the server could not be reached, or did not respond in time
 * - `unexpected_response`: a proxy or another server responded instead of the server
 * - `signed_out`: nobody is signed in
 * - `queue_full`: too many messages are waiting to be sent
 * - `not_sent`: a message could not be sent within the time limit
 * - `insecure_page`: the page was loaded over plain HTTP, where browsers withhold what the function needs
 */
export type ProblemErrorCode =
  | ProblemCode
  | "network"
  | "unexpected_response"
  | "signed_out"
  | "queue_full"
  | "not_sent"
  | "insecure_page";

/** Every failure of this client. `detail` is a sentence that can be shown to a person. */
export class ProblemError extends Error {
  /** A newer server may send codes that this type does not have. */
  declare readonly code: ProblemErrorCode;
  declare readonly detail: string;
  /** The HTTP status; 0 for a failure without one, such as an `error` frame. */
  declare readonly status: number;
  /** The members of the input that are invalid, with a reason for each. */
  declare readonly errors: readonly FieldError[];
  /** The number of seconds after which the request may succeed. */
  declare readonly retryAfterSeconds: number | undefined;

  constructor(
    code: ProblemErrorCode,
    detail: string,
    more: {
      status?: number;
      errors?: readonly FieldError[];
      retryAfterSeconds?: number | undefined;
      cause?: unknown;
    } = {},
  ) {
    super(`${code}: ${detail}`, more);
    Object.assign(this, { name: "ProblemError", code, detail, status: 0, errors: [], ...more });
  }
}

/** Turns any thrown value into a ProblemError; an unknown one becomes `network`. */
export function asProblemError(error: unknown): ProblemError {
  if (error instanceof ProblemError) return error;
  return new ProblemError("network", "The server can't be reached.", { cause: error });
}

/** The problem of an `error` frame. */
export function problemOfFrame(frame: z.infer<typeof ErrorFrame>): ProblemError {
  const { code, detail, retry_after: retryAfterSeconds } = frame;
  return new ProblemError(code as ProblemErrorCode, detail, { retryAfterSeconds });
}

/** The problem of an HTTP response (RFC 9457); a response without one becomes `unexpected_response`. */
export function problemOfResponse({ status, headers }: Response, text: string): ProblemError {
  const more = { status, retryAfterSeconds: Number(headers.get("retry-after")) || undefined };
  try {
    const { type, detail, errors = [] }: ProblemBody = JSON.parse(text);
    const code = type.replace(/.*\//, "") as ProblemErrorCode;
    return new ProblemError(code, detail, { ...more, errors });
  } catch {
    const detail = `The server can't be used (HTTP ${status}).`;
    return new ProblemError("unexpected_response", detail, more);
  }
}
