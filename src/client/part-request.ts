// A request whose body is a part of a file.
import { asProblemError, problemOfResponse } from "./problem-error.ts";

/** The part of `fetch` that is used. */
export type UploadFetch = (url: string, init: RequestInit) => Promise<Response>;

export interface PartOptions {
  token: string | undefined;
  /** Default: XMLHttpRequest where it exists, otherwise the global `fetch`. */
  fetch: UploadFetch | undefined;
  signal: AbortSignal | undefined;
  /** Receives the bytes that have left, where the browser tells it. */
  onProgress: (bytes: number) => void;
}

/** @throws ProblemError */
export async function sendBytes<T>(url: string, part: Blob, options: PartOptions): Promise<T> {
  const { token, signal, onProgress } = options;
  const headers = {
    "Content-Type": "application/octet-stream",
    ...(token !== undefined && { Authorization: `Bearer ${token}` }),
  };
  try {
    const { XMLHttpRequest } = globalThis as Requests;
    const { fetch = globalThis.fetch } = options;
    const response =
      XMLHttpRequest && options.fetch === undefined
        ? await request(new XMLHttpRequest(), url, part, { headers, signal, onProgress })
        : await fetch(url, { method: "PUT", headers, body: part, signal: signal ?? null });
    const text = await response.text();
    if (!response.ok) throw problemOfResponse(response, text);
    return JSON.parse(text);
  } catch (error) {
    throw asProblemError(error);
  }
}

/** The part of a browser's XMLHttpRequest that is used. */
interface ProgressRequest {
  readonly status: number;
  readonly responseText: string;
  readonly upload: { onprogress: ((event: { loaded: number }) => void) | null };
  onload: (() => void) | null;
  onerror: (() => void) | null;
  onabort: (() => void) | null;
  open(method: string, url: string): void;
  setRequestHeader(name: string, value: string): void;
  getResponseHeader(name: string): string | null;
  send(body: Blob): void;
  abort(): void;
}
type Requests = { XMLHttpRequest?: new () => ProgressRequest };

/** `fetch` tells nothing about the progress of a body. */
function request(
  xhr: ProgressRequest,
  url: string,
  part: Blob,
  {
    headers,
    signal,
    onProgress,
  }: Pick<PartOptions, "signal" | "onProgress"> & { headers: Record<string, string> },
): Promise<Response> {
  return new Promise((resolve, reject) => {
    const abort = () => xhr.abort();
    const settle = (end: () => void) => () => {
      signal?.removeEventListener("abort", abort);
      end();
    };
    xhr.open("PUT", url);
    for (const [name, value] of Object.entries(headers)) xhr.setRequestHeader(name, value);
    xhr.upload.onprogress = ({ loaded }) => onProgress(loaded);
    xhr.onload = settle(() => {
      const retryAfter = xhr.getResponseHeader("Retry-After");
      const headers = new Headers(retryAfter === null ? {} : { "Retry-After": retryAfter });
      resolve(new Response(xhr.responseText, { status: xhr.status, headers }));
    });
    const fail = settle(() => reject(new TypeError("the connection was lost")));
    xhr.onerror = fail;
    xhr.onabort = fail;
    signal?.addEventListener("abort", abort);
    xhr.send(part);
  });
}
