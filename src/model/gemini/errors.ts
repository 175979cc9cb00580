// The meaning of an HTTP status and an error body of Gemini's for people, and whether another try may help.
// The body is google.rpc.Status as JSON (https://google.aip.dev/193); reasons are from
// https://ai.google.dev/gemini-api/docs/troubleshooting and google/api/error_reason.proto.
import { z } from "zod";
import { ModelError } from "../stream-answer.ts";
import { accountRefusal, isAccountRefusal, requestRefusal } from "./refusals.ts";

/** A failure that another try may mend. `afterMs` is how long the server asks to wait, 0 if it doesn't say. */
export class Unavailable extends ModelError {
  readonly afterMs: number;
  constructor(detail: string, options: { afterMs?: number; cause?: string } = {}) {
    super(detail, options);
    this.afterMs = options.afterMs ?? 0;
  }
}

const Detail = z.object({
  reason: z.string().optional().catch(undefined),
  retryDelay: z.string().optional().catch(undefined),
  violations: z
    .array(z.object({ quotaId: z.string().optional().catch(undefined) }))
    .optional()
    .catch(undefined),
});

const GoogleErrorBody = z.object({
  error: z.object({
    message: z.string().optional(),
    status: z.string().optional(),
    details: z.array(Detail).optional().catch(undefined),
  }),
});
export type GoogleError = z.infer<typeof GoogleErrorBody>["error"];

/** Finds Google's error in the message of the SDK's ApiError: the body as JSON, in streams after "got status: …. ". */
export function parseGoogleError(message: string): GoogleError {
  const start = message.indexOf("{");
  try {
    const parsed = GoogleErrorBody.safeParse(JSON.parse(message.slice(start)));
    return parsed.success ? parsed.data.error : {};
  } catch {
    return {}; // The body is no JSON, so the status alone has to do.
  }
}

/**
 * Makes the failure that stands for an HTTP error, or for the same error inside a stream.
 * @param more `retryAfter` is the header of that name (RFC 9110 §10.2.3); the longer of it and google.rpc.RetryInfo
 * counts. `model` is the name that was asked for. `cause` is kept for the log.
 */
export function refusalOf(
  status: number,
  google: GoogleError,
  { retryAfter, model, cause }: { retryAfter?: string; model: string; cause: string },
): ModelError {
  const { message = "", details = [] } = google;
  const error = {
    status,
    code: google.status,
    message,
    reasons: details.flatMap(({ reason }) => reason ?? []),
    model,
  };
  if (isAccountRefusal(error)) return new ModelError(accountRefusal(error), { cause });
  if (status < 400) {
    return new ModelError(
      "Gemini is not where this server looks for it. The operator of this server should look at GEMINI_BASE_URL.",
      { cause },
    );
  }
  const afterMs = Math.max(
    retryAfterMs(retryAfter),
    ...details.map((detail) => retryDelayMs(detail.retryDelay)),
  );
  if (status === 429) return overQuota(google, { model, afterMs, cause });
  if (status === 408 || status >= 500) {
    const detail = `Gemini is not available right now. ${tryAgain(afterMs)}`;
    return new Unavailable(detail, { afterMs, cause });
  }
  return new ModelError(requestRefusal(error), { cause });
}

/** Tells a quota that is used up for today, or that the key doesn't have, from too many requests at once. */
function overQuota(
  { message = "", details = [] }: GoogleError,
  { model, afterMs, cause }: { model: string; afterMs: number; cause: string },
): ModelError {
  const operator = "The operator of this server should look at the quotas of GEMINI_API_KEY.";
  if (/\blimit: 0\b/.test(message)) {
    const detail = `Gemini's plan for this server does not include the model ${model}. ${operator} The chat's owner can choose another model.`;
    return new ModelError(detail, { cause });
  }
  const quotas = details.flatMap(({ violations = [] }) => violations);
  if (quotas.some(({ quotaId }) => /PerDay/i.test(quotaId ?? "")) || /per[ _]?day/i.test(message)) {
    const detail = `Gemini's quota of this server is used up for today. ${operator}`;
    return new ModelError(detail, { cause });
  }
  const detail = `Gemini has too many questions right now. ${tryAgain(afterMs)}`;
  return new Unavailable(detail, { afterMs, cause });
}

/** A longer wait is not stated: no quota of Gemini's lasts for more than a day. */
const statedMsMax = 48 * 60 * 60 * 1_000;

function tryAgain(afterMs: number): string {
  if (afterMs <= 1_000 || afterMs > statedMsMax) return "Please try again later.";
  const seconds = Math.ceil(afterMs / 1_000);
  if (seconds < 120) return `Please try again in ${seconds} seconds.`;
  if (seconds < 7_200) return `Please try again in ${Math.ceil(seconds / 60)} minutes.`;
  return `Please try again in ${Math.ceil(seconds / 3_600)} hours.`;
}

/** Reads seconds or an HTTP date; 0 for none, a past date or nonsense. */
function retryAfterMs(header: string | undefined): number {
  if (!header) return 0;
  const ms = /^\d+$/.test(header) ? Number(header) * 1_000 : Date.parse(header) - Date.now();
  return Number.isFinite(ms) ? Math.max(0, ms) : 0;
}

/** Reads protobuf's Duration in JSON: "34s", "1.5s". */
function retryDelayMs(delay: string | undefined): number {
  const [, seconds] = /^(\d+(?:\.\d+)?)s$/.exec(delay ?? "") ?? [];
  return seconds === undefined ? 0 : Number(seconds) * 1_000;
}
