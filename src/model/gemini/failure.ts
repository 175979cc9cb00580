// The failure that stands for the error of a request to Gemini.
import type { ApiError } from "@google/genai";
import { FilesRefused, ModelError } from "../stream-answer.ts";
import { parseGoogleError, refusalOf, Unavailable, type GoogleError } from "./errors.ts";

const causeCharactersMax = 2_000;

/** Words of Google's for a file that has expired, was removed, or belongs to the project of another key. */
const unknownFile =
  /\bfiles?\b.*(permission to access|may not exist|not exist|not found|expired|not in an ACTIVE state)|permission to access the file/i;
/** Words of Google's for a file that the model cannot read: a broken image, a PDF with a password, a type that it does not take. */
const unreadableFile =
  /\b(images?|documents?|pdf|audio|videos?|files?|mime.?type|media|inline.?data|page count|pages)\b/i;

export interface FailedRequest {
  apiKey: string;
  model: string;
  /** Whether files went along. */
  hasFiles?: boolean;
}

/**
 * Makes the failure that stands for the error of a request. `cause` is for the operator's log, and has no header, no key
 * and nothing of the conversation.
 */
export function failureOf(
  error: unknown,
  response: Response | undefined,
  { apiKey, model, hasFiles = false }: FailedRequest,
): ModelError {
  // Google names the key in some messages ("Consumer 'api_key:…' has been suspended").
  const cause = (text: string) => text.replaceAll(apiKey, "[key]").slice(0, causeCharactersMax);
  if (error instanceof ModelError) return error;
  if (isApiError(error) || response?.ok === false) {
    const status = isApiError(error) ? error.status : (response?.status ?? 0);
    const google = isApiError(error) ? parseGoogleError(error.message) : {};
    const because = cause(`${status} ${google.status ?? ""} ${google.message ?? ""}`.trimEnd());
    const refused = hasFiles ? filesRefused(status, google, because) : undefined;
    return (
      refused ??
      refusalOf(status, google, {
        retryAfter: response?.headers.get("Retry-After") ?? undefined,
        model,
        cause: because,
      })
    );
  }
  if (error instanceof Error && "code" in error && typeof error.code === "string") {
    return new Unavailable("The connection to Gemini failed. Please try again later.", {
      cause: cause(error.code),
    });
  }
  return new ModelError("Gemini's answer broke off before its end.", {
    cause: cause(String(error instanceof Error ? error.stack : error)),
  });
}

function filesRefused(
  status: number,
  { message = "" }: GoogleError,
  cause: string,
): FilesRefused | undefined {
  if ([400, 403, 404].includes(status) && unknownFile.test(message)) {
    return new FilesRefused("unknown", { cause });
  }
  if ([400, 413, 415].includes(status) && (status !== 400 || unreadableFile.test(message))) {
    return new FilesRefused("unreadable", { cause });
  }
  return undefined;
}

export function isApiError(error: unknown): error is ApiError {
  return error instanceof Error && error.name === "ApiError" && "status" in error;
}

export function isLoopback(url: string): boolean {
  return /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(new URL(url).hostname);
}
