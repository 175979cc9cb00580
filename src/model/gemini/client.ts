// The answers of Gemini, by its SDK. Every request has a defined end:
// - 429, 408, 5xx and connection errors are tried again, but never after the first visible text;
// - all other failures are a ModelError, whose detail is for people and has no key, no address and none of Google's words;
// - no request outlives its reader: an abort, a time limit or the end of reading aborts it upstream.
// The SDK's own retries stay off (it ignores Retry-After), and so does its automatic continuation, which would open a
// second request after text was seen. Its ApiError has no headers, so a fetch function of ours keeps the response.
import { setTimeout as sleep } from "node:timers/promises";
import type { GenerateContentConfig } from "@google/genai";
import type { BaseLogger } from "pino";
import { createAnswerReader } from "./answer.ts";
import { contentOf } from "./content.ts";
import { Unavailable } from "./errors.ts";
import { failureOf, isLoopback } from "./failure.ts";
import { ModelError, type Delta, type Prompt, type StreamAnswer } from "../stream-answer.ts";

/** Given to the SDK explicitly: it would read others from GOOGLE_GEMINI_BASE_URL and GOOGLE_GENAI_API_VERSION. */
export const googleUrl = "https://generativelanguage.googleapis.com";
/**
 * The stable version, which is the SDK's default too. It has system instructions, thinking and Google Search
 * (https://ai.google.dev/gemini-api/docs/api-versions).
 */
const apiVersion = "v1";

export interface GeminiOptions {
  apiKey: string;
  /** Any server that speaks the Gemini REST API; default Google's. */
  baseUrl?: string;
  log: Pick<BaseLogger, "warn">;
  /** From asking to the first chunk, thoughts included, for each try. */
  firstByteTimeoutMs?: number;
  /** Between two chunks. The time a reader takes does not count. */
  silenceTimeoutMs?: number;
  /** After a finish reason. Gemini closes the stream then; a proxy that does not must not hold the ending back. */
  closingTimeoutMs?: number;
  /** The limit of one try as a whole. A stream of chunks without text would never end otherwise; the limits of tokens end other answers earlier. */
  wholeTimeoutMs?: number;
  triesMax?: number;
  /** Before the second try, doubled before each further one, less up to half of it at random. */
  backoffMs?: number;
  /** A longer Retry-After (or google.rpc.RetryInfo) fails at once: nobody waits in a chat for that. */
  retryAfterMaxMs?: number;
}

/**
 * The StreamAnswer that asks Gemini through its SDK. An answer makes at most `triesMax` requests; a reader that stops
 * early (`break`, `return()`) and an aborted signal end the running one at once. `usage` is that of the newest try that
 * was counted: Google does not charge for requests that it failed itself.
 */
export function createGeminiModel(options: GeminiOptions): StreamAnswer {
  const { triesMax = 3, backoffMs = 500, retryAfterMaxMs = 10_000, log } = options;
  const ask = createAsker(options);

  return async function* (prompt, signal) {
    for (let tries = 1; ; tries += 1) {
      let isVisible = false;
      try {
        for await (const delta of ask(prompt, signal)) {
          if ("text" in delta || "picture" in delta) isVisible = true;
          yield delta;
        }
        return;
      } catch (error) {
        if (!(error instanceof ModelError)) throw error;
        const { detail, cause } = error;
        const mayMend = error instanceof Unavailable && error.afterMs <= retryAfterMaxMs;
        if (!mayMend || isVisible || tries >= triesMax) {
          log.warn({ tries, detail, cause }, "gemini's answer failed");
          throw error;
        }
        const backoff = backoffMs * 2 ** (tries - 1) * (1 - Math.random() / 2);
        const waitMs = Math.ceil(Math.max(error.afterMs, backoff));
        log.warn({ tries, detail, cause, wait_ms: waitMs }, "asking gemini again");
        await sleep(waitMs, undefined, { signal }).catch(() => signal.throwIfAborted());
      }
    }
  };
}

/** One try: one request, its chunks, its end. */
function createAsker(options: GeminiOptions) {
  const { apiKey, baseUrl = googleUrl } = options;
  const { firstByteTimeoutMs = 30_000, silenceTimeoutMs = 60_000 } = options;
  const { closingTimeoutMs = 3_000, wholeTimeoutMs = 30 * 60_000 } = options;
  // 10 MB that a server takes only when it is asked something.
  const load = async () => {
    const { GoogleGenAI } = await import("@google/genai");
    return new GoogleGenAI({ apiKey, vertexai: false, apiVersion, httpOptions: { baseUrl } });
  };
  let loading: ReturnType<typeof load> | undefined;
  // Bun sends loopback through HTTP_PROXY as well, where it is another machine's.
  const proxy = isLoopback(baseUrl) ? false : undefined;

  return async function* (prompt: Prompt, signal: AbortSignal): AsyncGenerator<Delta> {
    signal.throwIfAborted();
    const { model } = prompt.settings;
    const call = openCall(signal, wholeTimeoutMs);
    const reader = createAnswerReader();
    let response: Response | undefined;
    const fetchResponse = async (input: string | URL | Request, init?: RequestInit) => {
      // A redirect would take the key's header to another host.
      response = await fetch(input, { ...init, redirect: "manual", proxy });
      return response;
    };
    const open = async () => {
      const sdk = await (loading ??= load());
      const stream = await sdk.models.generateContentStream({
        model,
        contents: prompt.turns.map(contentOf),
        config: {
          ...configOf(prompt),
          abortSignal: call.signal,
          automaticContinuation: false,
          httpOptions: { fetch: fetchResponse },
        },
      });
      return { stream, first: await stream.next() };
    };
    try {
      try {
        const { stream, first } = await call.within(firstByteTimeoutMs, open());
        let next = first;
        while (!next.done) {
          yield* reader.read(next.value);
          const limitMs = reader.isFinished ? closingTimeoutMs : silenceTimeoutMs;
          next = await call.within(limitMs, stream.next());
        }
      } catch (error) {
        signal.throwIfAborted();
        const hasFiles = prompt.turns.some(({ files = [] }) => files.length > 0);
        if (!reader.isFinished) throw failureOf(error, response, { apiKey, model, hasFiles });
      }
      yield* reader.end();
    } finally {
      call.close();
    }
  };
}

/** Settings that are not set are not sent, so that the model's own defaults hold. */
function configOf({
  system,
  settings,
  outputTokensMax,
  makesPictures = false,
}: Prompt): GenerateContentConfig {
  const { temperature, thinkingBudget, googleSearch } = settings;
  return {
    ...(system !== "" && { systemInstruction: system }),
    ...(temperature !== null && { temperature }),
    ...(thinkingBudget !== null && { thinkingConfig: { thinkingBudget, includeThoughts: false } }),
    ...(googleSearch && { tools: [{ googleSearch: {} }] }),
    ...(makesPictures && { responseModalities: ["TEXT", "IMAGE"] }),
    maxOutputTokens: outputTokensMax,
  };
}

/** Lets the caller's signal, time limits and `close` end a request. Each aborts it upstream. */
function openCall(callerSignal: AbortSignal, wholeTimeoutMs: number) {
  const upstream = new AbortController();
  const stopped = Promise.withResolvers<never>();
  stopped.promise.catch(() => {}); // it may be rejected while nobody waits
  const stop = (reason: unknown) => {
    stopped.reject(reason);
    upstream.abort();
  };
  const onAbort = () => stop(callerSignal.reason);
  callerSignal.addEventListener("abort", onAbort);
  const stopAfter = (limitMs: number) => setTimeout(() => stop(late()), limitMs);
  const wholeTimer = stopAfter(wholeTimeoutMs);

  return {
    signal: upstream.signal,
    /** @throws ModelError after `limitMs`, the caller's reason when it aborts, both without waiting for the SDK. */
    async within<T>(limitMs: number, work: Promise<T>): Promise<T> {
      const timer = stopAfter(limitMs);
      try {
        return await Promise.race([work, stopped.promise]);
      } finally {
        clearTimeout(timer);
      }
    },
    close() {
      clearTimeout(wholeTimer);
      callerSignal.removeEventListener("abort", onAbort);
      upstream.abort();
    },
  };
}

function late(): ModelError {
  return new ModelError("Gemini did not answer in time. Asking again may help.");
}
