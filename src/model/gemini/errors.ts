// What an HTTP status and an error body of Gemini's mean for a person, and whether another try may help.
// The body is google.rpc.Status as JSON (https://google.aip.dev/193); reasons from
// https://ai.google.dev/gemini-api/docs/troubleshooting and google/api/error_reason.proto.
import { z } from "zod";
import { ModelError } from "../stream-answer.ts";

/** A failure that another try may mend. `afterMs` is how long the server asks to wait, 0 if it doesn't say. */
export class Unavailable extends ModelError {
  readonly afterMs: number;
  constructor(detail: string, options: { afterMs?: number; cause?: string } = {}) {
    super(detail, options);
    this.afterMs = options.afterMs ?? 0;
  }
}

const GoogleErrorBody = z.object({
  error: z.object({
    message: z.string().optional(),
    status: z.string().optional(),
    details: z
      .array(z.object({ reason: z.string().optional(), retryDelay: z.string().optional() }))
      .optional(),
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
    return {}; // something else than JSON: the status alone has to do
  }
}

const keyReasons = new Set([
  "API_KEY_INVALID",
  "API_KEY_EXPIRED",
  "API_KEY_SERVICE_BLOCKED",
  "API_KEY_HTTP_REFERRER_BLOCKED",
  "API_KEY_IP_ADDRESS_BLOCKED",
  "CONSUMER_SUSPENDED",
  "SERVICE_DISABLED",
]);

/**
 * The failure that stands for an HTTP error, or for the same error told inside a stream.
 * @param more `retryAfter` is the header of that name (RFC 9110 §10.2.3); the longer of it and google.rpc.RetryInfo
 * counts. `cause` is kept for the log.
 */
export function refusalOf(
  status: number,
  google: GoogleError,
  { retryAfter, cause }: { retryAfter?: string; cause: string },
): ModelError {
  const reasons = google.details?.map((detail) => detail.reason ?? "") ?? [];
  // 402: no credit is left. FAILED_PRECONDITION: Google has no free tier where this server is.
  const isAccount = [401, 402, 403].includes(status) || google.status === "FAILED_PRECONDITION";
  if (isAccount || reasons.some((reason) => keyReasons.has(reason))) {
    return new ModelError(
      "Gemini refused this server's key. The operator of this server should look at its settings.",
      { cause },
    );
  }
  if (status === 404) {
    return new ModelError(
      "Gemini does not know this server's model. The operator of this server should look at its settings.",
      { cause },
    );
  }
  if (status < 400) {
    return new ModelError(
      "Gemini is not where this server looks for it. The operator of this server should look at its settings.",
      { cause },
    );
  }
  const afterMs = Math.max(
    retryAfterMs(retryAfter),
    ...(google.details ?? []).map((detail) => retryDelayMs(detail.retryDelay)),
  );
  const advice = tryAgain(afterMs);
  if (status === 429) {
    return new Unavailable(`Gemini has too many questions right now. ${advice}`, {
      afterMs,
      cause,
    });
  }
  if (status === 408 || status >= 500) {
    return new Unavailable(`Gemini is not available right now. ${advice}`, { afterMs, cause });
  }
  return new ModelError("Gemini did not accept this question.", { cause });
}

function tryAgain(afterMs: number): string {
  if (afterMs <= 1_000) return "Please try again later.";
  const seconds = Math.ceil(afterMs / 1_000);
  if (seconds < 120) return `Please try again in ${seconds} seconds.`;
  if (seconds < 7_200) return `Please try again in ${Math.ceil(seconds / 60)} minutes.`;
  return `Please try again in ${Math.ceil(seconds / 3_600)} hours.`;
}

/** Seconds or an HTTP date; 0 for none, a past date or nonsense. */
function retryAfterMs(header: string | undefined): number {
  if (!header) return 0;
  const ms = /^\d+$/.test(header) ? Number(header) * 1_000 : Date.parse(header) - Date.now();
  return Number.isFinite(ms) ? Math.max(0, ms) : 0;
}

/** protobuf's Duration in JSON: "34s", "1.5s". */
function retryDelayMs(delay: string | undefined): number {
  const [, seconds] = /^(\d+(?:\.\d+)?)s$/.exec(delay ?? "") ?? [];
  return seconds === undefined ? 0 : Number(seconds) * 1_000;
}
