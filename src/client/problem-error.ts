import type { ErrorFrame } from "../wire/frames.ts";
import type { FieldError, ProblemBody, ProblemCode } from "../wire/problems.ts";
import type { z } from "zod";

/**
 * Why something did not go through: a code of the server, or one of the client's own.
 * - `network`: the server could not be reached, or did not answer in time
 * - `unexpected_response`: something between answered in the server's place
 * - `signed_out`: nobody is signed in
 * - `queue_full`: too many messages wait to be sent
 * - `not_sent`: a message could not be delivered in the time that was allowed
 */
export type ProblemErrorCode =
  ProblemCode | "network" | "unexpected_response" | "signed_out" | "queue_full" | "not_sent";

/** Every failure of this client. `detail` is a sentence that can be shown to a person. */
export class ProblemError extends Error {
  /** A server that is newer than this client may send others. */
  declare readonly code: ProblemErrorCode;
  declare readonly detail: string;
  /** The HTTP status; 0 where there is none, as in a socket's `error` frame. */
  declare readonly status: number;
  /** What is wrong with which member of the input. */
  declare readonly errors: readonly FieldError[];
  /** Whole seconds after which another try makes sense. */
  declare readonly retryAfterSeconds: number | undefined;

  constructor(
    code: ProblemErrorCode,
    detail: string,
    {
      status = 0,
      errors = [],
      retryAfterSeconds,
      cause,
    }: {
      status?: number;
      errors?: readonly FieldError[] | undefined;
      retryAfterSeconds?: number | undefined;
      cause?: unknown;
    } = {},
  ) {
    super(`${code}: ${detail}`, { cause });
    Object.assign(this, { name: "ProblemError", code, detail, status, errors, retryAfterSeconds });
  }
}

/** Whatever was thrown, as this client's one class. */
export function asProblemError(error: unknown): ProblemError {
  if (error instanceof ProblemError) return error;
  return new ProblemError("network", "The server can't be reached.", { cause: error });
}

/** What the server refuses in a frame. */
export function problemOfFrame(frame: z.infer<typeof ErrorFrame>): ProblemError {
  const { code, detail, retry_after: retryAfterSeconds } = frame;
  return new ProblemError(code as ProblemErrorCode, detail, { retryAfterSeconds });
}

/** What the server, or something before it, refuses in an HTTP response (RFC 9457). */
export function problemOfResponse({ status, headers }: Response, text: string): ProblemError {
  const more = { status, retryAfterSeconds: Number(headers.get("retry-after")) || undefined };
  try {
    const { type, detail, errors }: ProblemBody = JSON.parse(text);
    const code = type.slice(type.lastIndexOf("/") + 1) as ProblemErrorCode;
    return new ProblemError(code, detail, { ...more, errors });
  } catch {
    const detail = `The server can't be used (HTTP ${status}).`;
    return new ProblemError("unexpected_response", detail, more);
  }
}
