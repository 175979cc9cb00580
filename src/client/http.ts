// One HTTP request, and what may come of it.
import { asProblemError, ProblemError, problemOfResponse } from "./problem-error.ts";

export type Method = "GET" | "POST" | "PATCH" | "DELETE";

/** As much of `fetch` as is used. */
export type Fetch = (url: string, init: RequestInit) => Promise<Response>;

/** A JSON request without a session. @throws ProblemError */
export type Send = <T>(
  method: Method,
  path: string,
  more?: { body?: unknown; token?: string },
) => Promise<{ body: T; headers: Headers }>;

export function createSend(url: string, fetch: Fetch, timeoutMs: number): Send {
  return async (method, path, { body, token } = {}) => {
    let response: Response;
    try {
      response = await fetch(url + path, {
        method,
        headers: {
          ...(body === undefined ? {} : { "Content-Type": "application/json" }),
          ...(token === undefined ? {} : { Authorization: `Bearer ${token}` }),
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        signal: AbortSignal.timeout(timeoutMs),
      });
      // The server keeps to its document; what this client would check, it would have to carry along.
      if (response.ok)
        return { body: JSON.parse(await response.text()), headers: response.headers };
    } catch (error) {
      throw asProblemError(error);
    }
    throw await problemOfResponse(response);
  };
}

export function signedOut(): ProblemError {
  return new ProblemError("signed_out", "Sign in first.", { status: 401 });
}
