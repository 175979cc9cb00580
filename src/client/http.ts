import { asProblemError, ProblemError, problemOfResponse } from "./problem-error.ts";

export type Method = "GET" | "POST" | "PUT" | "PATCH" | "DELETE";

/** The part of `fetch` that is used. */
export type Fetch = (url: string, init: RequestInit) => Promise<Response>;

/** A JSON request without a session. @throws ProblemError */
export type Send = <T>(
  method: Method,
  path: string,
  more?: { body?: unknown; token?: string },
) => Promise<T>;

export function createSend(url: string, fetch: Fetch, timeoutMs: number): Send {
  return async (method, path, { body, token } = {}) => {
    try {
      const response = await fetch(url + path, {
        method,
        headers: {
          "Content-Type": "application/json",
          ...(token && { Authorization: `Bearer ${token}` }),
        },
        // Undefined where there is none.
        body: JSON.stringify(body),
        signal: AbortSignal.timeout(timeoutMs),
      });
      const text = await response.text();
      // The response is not validated: the schemas would multiply the size of this client.
      if (response.ok && /^[[{]/.test(text)) return JSON.parse(text);
      throw problemOfResponse(response, text);
    } catch (error) {
      throw asProblemError(error);
    }
  };
}

export function signedOut(): ProblemError {
  return new ProblemError("signed_out", "Sign in first.", { status: 401 });
}
