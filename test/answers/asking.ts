// An emulator, and a model that asks it through the real SDK, for the tests of model/gemini/.
import { expect } from "bun:test";
import { pino } from "pino";
import { createGeminiModel, type GeminiOptions } from "../../src/model/gemini/client.ts";
import { ModelError, type Ending, type Prompt, type Usage } from "../../src/model/stream-answer.ts";
import { until, type Script } from "../world/gemini/script.ts";
import { startGeminiEmulator } from "../world/gemini/server.ts";

export const apiKey = "AIzaSy-the-key-that-nobody-may-see";
export const prompt: Prompt = {
  system: "Be brief.",
  turns: [{ role: "user", text: "Hello?" }],
  settings: {
    model: "gemini-2.5-flash",
    temperature: null,
    thinkingBudget: null,
    googleSearch: false,
  },
  outputTokensMax: 1_000,
};
export const neverAborted = new AbortController().signal;

export type Asking = ReturnType<typeof startAsking>;

/** Stop it after each test. */
export function startAsking() {
  const emulator = startGeminiEmulator();
  const logged: string[] = [];
  const waitingForLog = new Map<string, () => void>();
  const log = pino(
    { base: null },
    {
      write(line: string) {
        logged.push(line);
        for (const [part, resolve] of waitingForLog) if (line.includes(part)) resolve();
      },
    },
  );

  function createModel(options: Partial<GeminiOptions> = {}) {
    const given = { apiKey, baseUrl: emulator.url, log, backoffMs: 1 };
    return createGeminiModel({ ...given, ...options });
  }

  return {
    emulator,
    logged,
    createModel,
    stop: () => emulator.stop(),
    /** Resolves when a later line of the log has this in it. */
    untilLogged: (part: string) =>
      new Promise<void>((resolve) => void waitingForLog.set(part, resolve)),
    /** Asks, with the scripts for each request, and collects everything up to the end, whichever it is. */
    async ask(scripts: Script | Script[], options: Partial<GeminiOptions> = {}) {
      emulator.respondWith(...[scripts].flat());
      const pieces: string[] = [];
      const usages: Usage[] = [];
      const endings: Ending[] = [];
      let error: unknown;
      try {
        for await (const delta of createModel(options)(prompt, neverAborted)) {
          expect(endings).toEqual([]);
          if ("text" in delta) pieces.push(delta.text);
          else if ("usage" in delta) usages.push(delta.usage);
          else if ("ending" in delta) endings.push(delta.ending);
        }
      } catch (thrown) {
        error = thrown;
      }
      const detail = error instanceof ModelError ? error.detail : undefined;
      const requests = emulator.requests.length;
      return { pieces, text: pieces.join(""), usages, endings, error, detail, requests };
    },
  };
}

/** `reached` resolves when the answer comes to `step`; it goes on after `open()`. */
export function gateway() {
  const reached = Promise.withResolvers<void>();
  const opened = Promise.withResolvers<void>();
  const step = until(() => {
    reached.resolve();
    return opened.promise;
  });
  return { step, reached: reached.promise, open: () => opened.resolve() };
}

export function whenAborted(signal: AbortSignal): Promise<void> {
  const aborted = Promise.withResolvers<void>();
  if (signal.aborted) aborted.resolve();
  signal.addEventListener("abort", () => aborted.resolve());
  return aborted.promise;
}
