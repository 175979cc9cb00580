// The emulator accepts the requests that Gemini accepts: both versions of the API, settings within their ranges.
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { GoogleGenAI } from "@google/genai";
import { answer, finish, ground, say } from "./script.ts";
import { startGeminiEmulator, type Emulator } from "./server.ts";

let emulator: Emulator;
beforeEach(() => void (emulator = startGeminiEmulator({ pieceDelayMs: 0 })));
afterEach(() => emulator.stop());

const model = "gemini-2.5-flash";
const config = {
  systemInstruction: "Be brief.",
  temperature: 0.5,
  maxOutputTokens: 100,
  thinkingConfig: { thinkingBudget: 0, includeThoughts: false },
  tools: [{ googleSearch: {} }],
};

function sdkOf(apiVersion: string) {
  return new GoogleGenAI({ apiKey: "any", apiVersion, httpOptions: { baseUrl: emulator.url } });
}

test.each(["v1", "v1beta"])("the SDK asks with all settings by version %s", async (version) => {
  const page = { uri: "https://a.example/", title: "a" };
  emulator.respondWith(answer(say("ok"), ground(page), finish()));
  const response = await sdkOf(version).models.generateContent({ model, contents: "?", config });
  expect(response.text).toBe("ok");
  expect(response.candidates?.[0]?.groundingMetadata?.groundingChunks).toEqual([{ web: page }]);
  expect(emulator.requests[0]?.body).toMatchObject({
    systemInstruction: { parts: [{ text: "Be brief." }] },
    generationConfig: {
      temperature: 0.5,
      maxOutputTokens: 100,
      thinkingConfig: { thinkingBudget: 0, includeThoughts: false },
    },
    tools: [{ googleSearch: {} }],
  });
});

describe("what Gemini refuses", () => {
  test.each([
    ["a temperature above 2", { temperature: 2.1 }],
    ["a temperature below 0", { temperature: -0.1 }],
    ["an answer of no tokens", { maxOutputTokens: 0 }],
    ["half a token", { maxOutputTokens: 1.5 }],
    ["a thinking budget below -1", { thinkingConfig: { thinkingBudget: -2 } }],
  ])("%s is a 400, and no script is used for it", async (_, wrong) => {
    emulator.respondWith(answer(say("ok"), finish()));
    const asking = sdkOf("v1").models.generateContent({ model, contents: "?", config: wrong });
    await expect(asking).rejects.toMatchObject({ status: 400 });
    expect(emulator.requests).toHaveLength(0);
    const right = await sdkOf("v1").models.generateContent({ model, contents: "?" });
    expect(right.text).toBe("ok");
  });
});
