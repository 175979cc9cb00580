// Gemini's port through the real SDK against the emulator: what is sent, and what is read of the text.
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { type Prompt } from "../../../src/model/stream-answer.ts";
import {
  answer,
  bytes,
  event,
  finish,
  say,
  sayTorn,
  think,
  together,
} from "../../world/gemini/script.ts";
import { startGeminiEmulator } from "../../world/gemini/server.ts";
import {
  apiKey,
  gateway,
  neverAborted,
  prompt,
  startAsking,
  type Asking,
} from "../../answers/asking.ts";

let asking: Asking;
beforeEach(() => void (asking = startAsking()));
afterEach(() => asking.stop());

describe("the request", () => {
  test("has the rules apart from the turns, in their order, and the key in a header only", async () => {
    const conversation: Prompt = {
      ...prompt,
      system: "Be kind.",
      turns: [
        { role: "user", text: "One" },
        { role: "model", text: "Two" },
        { role: "user", text: "Three" },
      ],
    };
    asking.emulator.respondWith(answer(say("ok"), finish()));
    await Array.fromAsync(asking.createModel()(conversation, neverAborted));
    const [request] = asking.emulator.requests;
    expect(request?.model).toBe("gemini-2.5-flash");
    expect(request?.headers.get("x-goog-api-key")).toBe(apiKey);
    expect(request?.body.systemInstruction?.parts).toEqual([{ text: "Be kind." }]);
    expect(request?.body.contents).toEqual([
      { role: "user", parts: [{ text: "One" }] },
      { role: "model", parts: [{ text: "Two" }] },
      { role: "user", parts: [{ text: "Three" }] },
    ]);
    expect(JSON.stringify(request?.body)).not.toContain(apiKey);
  });

  test("has no instruction when there are no rules", async () => {
    asking.emulator.respondWith(answer(say("ok"), finish()));
    await Array.fromAsync(asking.createModel()({ ...prompt, system: "" }, neverAborted));
    expect(asking.emulator.requests[0]?.body).not.toHaveProperty("systemInstruction");
  });

  const sent = async (settings: Partial<Prompt["settings"]>) => {
    asking.emulator.respondWith(answer(say("ok"), finish()));
    const asked = { ...prompt, settings: { ...prompt.settings, ...settings } };
    await Array.fromAsync(asking.createModel()(asked, neverAborted));
    const [request] = asking.emulator.requests;
    return { model: request?.model, ...request?.body };
  };

  test("has only the limit of tokens where nothing is set, so that the model's defaults hold", async () => {
    expect(await sent({})).toEqual({
      model: "gemini-2.5-flash",
      systemInstruction: { role: "user", parts: [{ text: "Be brief." }] },
      contents: [{ role: "user", parts: [{ text: "Hello?" }] }],
      generationConfig: { maxOutputTokens: 1_000 },
    });
  });

  test("has the model, the temperature, the budget of thoughts and the search that are set", async () => {
    const settings = {
      model: "gemini-2.5-pro",
      temperature: 1.5,
      thinkingBudget: 512,
      googleSearch: true,
    };
    expect(await sent(settings)).toMatchObject({
      model: "gemini-2.5-pro",
      generationConfig: {
        maxOutputTokens: 1_000,
        temperature: 1.5,
        thinkingConfig: { thinkingBudget: 512, includeThoughts: false },
      },
      tools: [{ googleSearch: {} }],
    });
  });

  test.each([0, -1])("has a budget of %i, which is no missing one", async (thinkingBudget) => {
    const { generationConfig } = await sent({ thinkingBudget, temperature: 0 });
    expect(generationConfig).toEqual({
      maxOutputTokens: 1_000,
      temperature: 0,
      thinkingConfig: { thinkingBudget, includeThoughts: false },
    });
  });

  test("goes straight where it is told, whatever the environment says to the SDK and to Bun", async () => {
    const misleading = {
      GOOGLE_GEMINI_BASE_URL: "http://127.0.0.1:9",
      GOOGLE_API_KEY: "another",
      GOOGLE_GENAI_API_VERSION: "v0",
      GOOGLE_GENAI_USE_VERTEXAI: "true",
      HTTP_PROXY: "http://127.0.0.1:9",
    };
    const before = { ...process.env };
    Object.assign(process.env, misleading);
    const { endings } = await asking.ask(answer(say("ok"), finish()));
    for (const name of Object.keys(misleading)) delete process.env[name];
    Object.assign(process.env, before);
    expect(endings).toEqual([{ status: "complete" }]);
    expect(asking.emulator.requests[0]?.headers.get("x-goog-api-key")).toBe(apiKey);
  });

  test("does not follow a redirect with the key", async () => {
    const elsewhere = startGeminiEmulator();
    asking.emulator.respondWith({
      kind: "refusal",
      status: 307,
      headers: { Location: `${elsewhere.url}/v1/models/x:streamGenerateContent?alt=sse` },
      body: "",
    });
    expect((await asking.ask([])).detail).toContain("not where this server looks for it");
    expect(elsewhere.requests).toHaveLength(0);
    await elsewhere.stop();
  });
});

describe("the text", () => {
  test("arrives piece by piece, each as soon as Gemini sent it", async () => {
    const gate = gateway();
    asking.emulator.respondWith(answer(say("Hel"), gate.step, say("lo"), finish()));
    const deltas = asking.createModel()(prompt, neverAborted)[Symbol.asyncIterator]();
    expect((await deltas.next()).value).toEqual({ text: "Hel" });
    gate.open();
    expect((await deltas.next()).value).toEqual({ text: "lo" });
    expect((await deltas.next()).value).toEqual({ ending: { status: "complete" } });
    expect((await deltas.next()).done).toBeTrue();
  });

  test("has no thoughts and no empty pieces, whatever else a chunk holds", async () => {
    const { pieces, endings } = await asking.ask(
      answer(
        think("Let me think."),
        event({ candidates: [{}] }),
        event({ candidates: [{ content: { role: "model" } }] }),
        event({ candidates: [] }),
        event({ modelVersion: "gemini-2.5-flash-001" }),
        say(""),
        say("Yes"),
        together(think("Hm."), say(", "), say("no.")),
        bytes(
          'data: {"candidates":[{"content":{"parts":[{"functionCall":{"name":"x"}}]}}]}\r\n\r\n',
        ),
        bytes('data: {"candidates":null,"promptFeedback":null,"usageMetadata":null}\r\n\r\n'),
        finish(),
      ),
    );
    expect(pieces).toEqual(["Yes", ", ", "no."]);
    expect(endings).toEqual([{ status: "complete" }]);
  });

  test("survives a character whose bytes are split between network chunks", async () => {
    const { text } = await asking.ask(answer(...sayTorn("Füchse 🦊"), ...sayTorn("🦊"), finish()));
    expect(text).toBe("Füchse 🦊🦊");
  });

  test("joins a surrogate pair that is split between two chunks", async () => {
    const { pieces } = await asking.ask(
      answer(say("fox \ud83e"), think("hm"), say("\udd8a!"), finish()),
    );
    expect(pieces).toEqual(["fox ", "🦊!"]);
  });

  test.each([
    ["U+0000", ["a\0b"], "a\uFFFDb"],
    ["a lone low surrogate", ["a\udd8ab"], "a\uFFFDb"],
    ["a lone high surrogate", ["a\ud83eb"], "a\uFFFDb"],
    ["a high surrogate before another piece", ["a\ud83e", "b"], "a\uFFFDb"],
    ["a high surrogate at the very end", ["a\ud83e"], "a\uFFFD"],
  ])("replaces %s, which PostgreSQL could not store", async (_, pieces, expected) => {
    const { text } = await asking.ask(answer(...pieces.map(say), finish()));
    expect(text).toBe(expected);
  });

  test("may come after, or in the chunk of, the finish reason", async () => {
    const withReason = event({
      candidates: [{ content: { role: "model", parts: [{ text: "one " }] }, finishReason: "STOP" }],
    });
    const { text, endings } = await asking.ask(answer(withReason, say("two")));
    expect(text).toBe("one two");
    expect(endings).toEqual([{ status: "complete" }]);
  });
});
