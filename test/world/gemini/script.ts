// Scripts for the emulator's answers. A script is data: the functions here make it, and server.ts plays it.

/** Tokens in Gemini's spelling: prompt + candidates + thoughts + tool use = total. */
export interface UsageMetadata {
  promptTokenCount: number;
  candidatesTokenCount?: number;
  thoughtsTokenCount?: number;
  toolUsePromptTokenCount?: number;
  cachedContentTokenCount?: number;
  totalTokenCount: number;
}

/** https://ai.google.dev/api/generate-content#GenerateContentResponse, as far as the emulator writes it. */
export interface GeminiEvent {
  candidates?: {
    content?: { role: "model"; parts?: GeminiPart[] };
    finishReason?: string;
    groundingMetadata?: GroundingMetadata;
    index?: number;
  }[];
  promptFeedback?: { blockReason: string };
  usageMetadata?: UsageMetadata;
  modelVersion?: string;
  error?: GoogleError;
}

export interface GeminiPart {
  text?: string;
  thought?: boolean;
  inlineData?: { mimeType: string; data: string };
}

/** The results of Google Search: https://ai.google.dev/api/generate-content#GroundingMetadata */
export interface GroundingMetadata {
  groundingChunks?: { web?: { uri?: string; title?: string } }[];
  webSearchQueries?: string[];
}

/** https://google.aip.dev/193: how every Google API tells an error. */
export interface GoogleError {
  code: number;
  message: string;
  status: string;
  details?: { "@type": string; [member: string]: unknown }[];
}

export interface EventsStep {
  kind: "events";
  /** Written in one piece: together they are one network chunk. */
  events: GeminiEvent[];
}

export type Step =
  | EventsStep
  /** Written as they are, whatever the framing: broken lines, halves of characters. */
  | { kind: "bytes"; bytes: Uint8Array }
  /** Goes on once the promise settles, or ends when the client has gone. */
  | { kind: "until"; opened: () => PromiseLike<unknown> }
  /** The connection is destroyed; before the first byte the client gets no status either. */
  | { kind: "cut" };

export interface AnswerScript {
  kind: "answer";
  steps: Step[];
}

export interface RefusalScript {
  kind: "refusal";
  status: number;
  headers: Record<string, string>;
  body: string;
}

export type Script = AnswerScript | RefusalScript;

/** An answer with status 200. It ends properly after its last step, with or without a finish reason. */
export function answer(...steps: Step[]): AnswerScript {
  return { kind: "answer", steps };
}

/** The start of an answer, then the connection stays open without a byte until the client goes. */
export function answerAndHang(...steps: Step[]): AnswerScript {
  return answer(...steps, until(new Promise(() => {})));
}

/** One event with any members. */
export function event(content: GeminiEvent): EventsStep {
  return { kind: "events", events: [content] };
}

/** A piece of visible text. */
export function say(text: string): EventsStep {
  return event({ candidates: [{ content: { role: "model", parts: [{ text }] }, index: 0 }] });
}

/** A picture, as the models send that make them. */
export function draw(picture: Uint8Array, mimeType = "image/png"): EventsStep {
  const inlineData = { mimeType, data: Buffer.from(picture).toString("base64") };
  return event({ candidates: [{ content: { role: "model", parts: [{ inlineData }] }, index: 0 }] });
}

/** A piece of the model's thoughts, which no reader may see. */
export function think(text: string): EventsStep {
  return event({
    candidates: [{ content: { role: "model", parts: [{ text, thought: true }] }, index: 0 }],
  });
}

/** Web pages that the answer rests on, as Google Search found them. */
export function ground(...pages: { uri: string; title?: string }[]): EventsStep {
  const groundingChunks = pages.map((web) => ({ web }));
  return event({ candidates: [{ groundingMetadata: { groundingChunks }, index: 0 }] });
}

/** The tokens so far, as Gemini tells them with each piece of text. */
export function count(usageMetadata: UsageMetadata): EventsStep {
  return event({ usageMetadata });
}

/** The last event as Gemini writes it: no content, a finish reason, the tokens used. */
export function finish(finishReason = "STOP", usageMetadata?: UsageMetadata): EventsStep {
  return event({ candidates: [{ finishReason, index: 0 }], usageMetadata });
}

/** The only event of a prompt that was blocked: it has no candidates. */
export function blockPrompt(blockReason: string, usageMetadata?: UsageMetadata): EventsStep {
  return event({ promptFeedback: { blockReason }, usageMetadata });
}

/** An error told inside a stream that began with status 200. */
export function failInside(code: number, message = `Told to fail with ${code}.`): EventsStep {
  return event({ error: { code, message, status: googleStatus(code) } });
}

/** Several events in one network chunk. */
export function together(...steps: EventsStep[]): EventsStep {
  return { kind: "events", events: steps.flatMap((step) => step.events) };
}

/** Bytes as they are, past any framing: `bytes('data: {"candidates":[{"cont\r\n\r\n')`. */
export function bytes(content: string | Uint8Array): Step {
  return {
    kind: "bytes",
    bytes: typeof content === "string" ? new TextEncoder().encode(content) : content,
  };
}

/** A piece of text whose SSE event arrives in two network chunks, cut inside its first multi-byte character. */
export function sayTorn(text: string): Step[] {
  const line = new TextEncoder().encode(sseLine(say(text).events[0] ?? {}));
  const cutAt = line.findIndex((byte) => byte >= 0x80) + 1;
  if (cutAt === 0) throw new RangeError("sayTorn needs a character outside ASCII");
  return [bytes(line.slice(0, cutAt)), pause(20), bytes(line.slice(cutAt))];
}

/** Waits for a promise of the test's, or calls it to make one: the call tells the test that the answer came this far. */
export function until(gate: PromiseLike<unknown> | (() => PromiseLike<unknown>)): Step {
  return { kind: "until", opened: typeof gate === "function" ? gate : () => gate };
}

/** A delay in milliseconds. Tests that wait for something use {@link until}. */
export function pause(ms: number): Step {
  return until(() => Bun.sleep(ms));
}

/** Destroys the connection. */
export function cut(): Step {
  return { kind: "cut" };
}

export interface Refusal {
  message?: string;
  /** google.rpc.Code's name, where it isn't the usual one of the HTTP status. */
  status?: string;
  /** Sent as it is: seconds or an HTTP date. */
  retryAfter?: string;
  /** google.rpc.RetryInfo's delay, such as "34s". */
  retryDelay?: string;
  /** google.rpc.ErrorInfo's reason, such as "API_KEY_INVALID". */
  reason?: string;
  /** The quotas of google.rpc.QuotaFailure that are used up. */
  quotaIds?: string[];
  /** Sent instead of Google's JSON, as text/html, as a proxy would. */
  html?: string;
}

/** An HTTP error with Google's error body (google.rpc.Status as JSON). */
export function refuse(status: number, refusal: Refusal = {}): RefusalScript {
  const details: GoogleError["details"] = [];
  if (refusal.reason) {
    details.push({
      "@type": "type.googleapis.com/google.rpc.ErrorInfo",
      reason: refusal.reason,
      domain: "googleapis.com",
    });
  }
  if (refusal.quotaIds) {
    details.push({
      "@type": "type.googleapis.com/google.rpc.QuotaFailure",
      violations: refusal.quotaIds.map((quotaId) => ({ quotaId })),
    });
  }
  if (refusal.retryDelay) {
    details.push({
      "@type": "type.googleapis.com/google.rpc.RetryInfo",
      retryDelay: refusal.retryDelay,
    });
  }
  const error: GoogleError = {
    code: status,
    message: refusal.message ?? `Told to refuse with ${status}.`,
    status: refusal.status ?? googleStatus(status),
    ...(details.length > 0 && { details }),
  };
  const headers: Record<string, string> = {
    "Content-Type": refusal.html ? "text/html" : "application/json; charset=UTF-8",
  };
  if (refusal.retryAfter !== undefined) headers["Retry-After"] = refusal.retryAfter;
  return {
    kind: "refusal",
    status,
    headers,
    body: refusal.html ?? JSON.stringify({ error }, undefined, 2),
  };
}

/** An event as a line of `alt=sse`, ended as Gemini ends it. */
export function sseLine(content: GeminiEvent): string {
  return `data: ${JSON.stringify(content)}\r\n\r\n`;
}

/** https://github.com/googleapis/googleapis/blob/master/google/rpc/code.proto has the mapping. */
function googleStatus(code: number): string {
  switch (code) {
    case 400:
      return "INVALID_ARGUMENT";
    case 401:
      return "UNAUTHENTICATED";
    case 403:
      return "PERMISSION_DENIED";
    case 404:
      return "NOT_FOUND";
    case 429:
      return "RESOURCE_EXHAUSTED";
    case 499:
      return "CANCELLED";
    case 500:
      return "INTERNAL";
    case 503:
      return "UNAVAILABLE";
    case 504:
      return "DEADLINE_EXCEEDED";
    default:
      return "UNKNOWN";
  }
}
