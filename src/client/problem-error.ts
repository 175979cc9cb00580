import type { FieldError, ProblemBody, ProblemCode } from "../wire/problems.ts";

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
  readonly code: ProblemErrorCode;
  readonly detail: string;
  /** The HTTP status; 0 where there is none, as in a socket's `error` frame. */
  readonly status: number;
  /** What is wrong with which member of the input. */
  readonly errors: readonly FieldError[];
  /** Whole seconds after which another try makes sense. */
  readonly retryAfterSeconds: number | undefined;

  constructor(
    code: ProblemErrorCode,
    detail: string,
    more: {
      status?: number;
      errors?: readonly FieldError[] | undefined;
      retryAfterSeconds?: number | undefined;
      cause?: unknown;
    } = {},
  ) {
    super(`${code}: ${detail}`, { cause: more.cause });
    this.name = "ProblemError";
    this.code = code;
    this.detail = detail;
    this.status = more.status ?? 0;
    this.errors = more.errors ?? [];
    this.retryAfterSeconds = more.retryAfterSeconds;
  }
}

/** Whatever was thrown, as this client's one class. */
export function asProblemError(error: unknown): ProblemError {
  if (error instanceof ProblemError) return error;
  return new ProblemError("network", "The server can't be reached.", { cause: error });
}

function readProblem(text: string): ProblemBody | undefined {
  const body = JSON.parse(text);
  return typeof body?.type === "string" && typeof body.detail === "string" ? body : undefined;
}

/** The problem that an HTTP response tells (RFC 9457). */
export async function problemOfResponse(response: Response): Promise<ProblemError> {
  const { status, headers } = response;
  const retryAfter = Number(headers.get("retry-after") ?? Number.NaN);
  const retryAfterSeconds = Number.isFinite(retryAfter) ? retryAfter : undefined;
  const body = await response
    .text()
    .then(readProblem)
    .catch(() => undefined);
  if (!body) {
    const detail = `The server can't be used at the moment (HTTP ${status}).`;
    return new ProblemError("unexpected_response", detail, { status, retryAfterSeconds });
  }
  const code = body.type.slice(body.type.lastIndexOf("/") + 1);
  const more = { status, errors: body.errors, retryAfterSeconds };
  return new ProblemError(code as ProblemErrorCode, body.detail, more);
}
