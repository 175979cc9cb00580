// Gemini's port through the real SDK against the emulator: what is read, how it ends, what is tried again.
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { type Delta, type Prompt } from "../../src/bot/model.ts";
import {
  answer,
  answerAndHang,
  blockPrompt,
  bytes,
  cut,
  event,
  failInside,
  finish,
  say,
  sayTorn,
  think,
  together,
  type Step,
} from "../../src/emulator/script.ts";
import { startGeminiEmulator } from "../../src/emulator/server.ts";
import {
  apiKey,
  gateway,
  neverAborted,
  prompt,
  startAsking,
  whenAborted,
  type Asking,
} from "./asking.ts";

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

describe("the tokens", () => {
  test("are the last that Gemini counted", async () => {
    const early = event({ usageMetadata: { promptTokenCount: 11, totalTokenCount: 11 } });
    const last = finish("STOP", {
      promptTokenCount: 11,
      candidatesTokenCount: 5,
      thoughtsTokenCount: 70,
      toolUsePromptTokenCount: 3,
      cachedContentTokenCount: 4,
      totalTokenCount: 89,
    });
    const { usage } = await asking.ask(answer(early, say("ok"), last));
    expect(usage).toEqual({
      prompt_tokens: 11,
      answer_tokens: 5,
      thoughts_tokens: 70,
      cached_tokens: 4,
      total_tokens: 89,
    });
  });

  test("have Gemini's own total, which is what it charges for", async () => {
    const counts = { promptTokenCount: 1, candidatesTokenCount: 2, totalTokenCount: 100 };
    const { usage } = await asking.ask(answer(say("ok"), finish("STOP", counts)));
    expect(usage?.total_tokens).toBe(100);
  });

  test("are added up when Gemini gives no total", async () => {
    const counts = { promptTokenCount: 1, candidatesTokenCount: 2, thoughtsTokenCount: 4 };
    const usageMetadata = { ...counts, toolUsePromptTokenCount: 8 };
    const { usage } = await asking.ask(
      answer(say("ok"), bytes(`data: ${JSON.stringify({ usageMetadata })}\r\n\r\n`), finish()),
    );
    expect(usage?.total_tokens).toBe(15);
  });
});

describe("the ending", () => {
  test.each(["MAX_TOKENS", "CONTINUATION"])("is truncated after %s", async (reason) => {
    const { text, endings } = await asking.ask(answer(say("so far"), finish(reason)));
    expect(text).toBe("so far");
    expect(endings.map((ending) => ending.status)).toEqual(["truncated"]);
    expect(endings[0]?.detail).toContain("length limit");
  });

  test.each([
    "SAFETY",
    "RECITATION",
    "BLOCKLIST",
    "PROHIBITED_CONTENT",
    "SPII",
    "LANGUAGE",
    "IMAGE_SAFETY",
    "IMAGE_PROHIBITED_CONTENT",
    "IMAGE_RECITATION",
  ])("is blocked after %s, with a plain reason and what was said before", async (reason) => {
    const { text, endings } = await asking.ask(answer(say("so far"), finish(reason)));
    expect(text).toBe("so far");
    expect(endings.map((ending) => ending.status)).toEqual(["blocked"]);
    expect(endings[0]?.detail).toMatch(/^Gemini('s)? [^_]+\.$/);
  });

  test.each(["SAFETY", "BLOCKLIST", "PROHIBITED_CONTENT", "OTHER", "SOMETHING_NEW"])(
    "is blocked when the question is, for %s, with the tokens it cost",
    async (reason) => {
      const { pieces, endings, usage } = await asking.ask(
        answer(
          blockPrompt(reason),
          event({ usageMetadata: { promptTokenCount: 9, totalTokenCount: 9 } }),
        ),
      );
      expect(pieces).toEqual([]);
      expect(endings.map((ending) => ending.status)).toEqual(["blocked"]);
      expect(endings[0]?.detail).toContain("question");
      expect(usage?.total_tokens).toBe(9);
    },
  );

  test("does not wait long for a connection that stays open after the finish reason", async () => {
    const open = answerAndHang(say("all"), finish());
    const { text, endings } = await asking.ask(open, { closingTimeoutMs: 30 });
    expect(text).toBe("all");
    expect(endings).toEqual([{ status: "complete" }]);
    await whenAborted((await asking.emulator.received(1)).aborted);
  });

  test("is kept when the connection breaks after the finish reason", async () => {
    const gate = gateway();
    gate.open();
    const { text, endings } = await asking.ask(answer(say("all"), finish(), gate.step, cut()));
    expect(text).toBe("all");
    expect(endings).toEqual([{ status: "complete" }]);
  });
});

describe("a failure in the answer", () => {
  const broken: [string, Step[]][] = [
    ["a cut connection", [cut()]],
    ["truncated JSON in a line", [bytes('data: {"candidates":[{"content":{"par\r\n\r\n')]],
    ["a body that ends inside a line", [bytes('data: {"candidates":[{"content":{"par')]],
    ["an error inside the stream", [failInside(503)]],
    ["no finish reason", []],
    [
      "a chunk of another shape",
      [bytes('data: {"candidates":[{"finishReason":7}]}\r\n\r\n'), say("more"), finish()],
    ],
    ["no JSON at all", [bytes("<html>Bad gateway</html>")]],
    ...["OTHER", "MALFORMED_FUNCTION_CALL", "MALFORMED_RESPONSE", "SOMETHING_NEW"].map(
      (reason): [string, Step[]] => [`the finish reason ${reason}`, [finish(reason)]],
    ),
  ];
  test.each(broken)("%s: keeps the text and is not tried again", async (_, steps) => {
    const { text, endings, detail, requests } = await asking.ask(answer(say("so far"), ...steps));
    expect(text).toBe("so far");
    expect(endings).toEqual([]);
    expect(detail).toMatch(/^(Gemini|The connection).+\.$/);
    expect(requests).toBe(1);
  });

  test.each([
    ["STOP without any text", answer(finish())],
    ["STOP after nothing but thoughts", answer(think("Hm."), finish())],
  ])("%s is an empty answer", async (_, script) => {
    const { pieces, endings, detail } = await asking.ask(script);
    expect(pieces).toEqual([]);
    expect(endings).toEqual([]);
    expect(detail).toContain("empty answer");
  });

  test("no end but a continuation token: the SDK asks no second time behind our back", async () => {
    const token = {
      candidates: [{ content: { parts: [{ text: "so" }] }, continuationToken: "t" }],
    };
    const { text, detail, requests } = await asking.ask([
      answer(bytes(`data: ${JSON.stringify(token)}\r\n\r\n`)),
      answer(say("so far"), finish()),
    ]);
    expect(text).toBe("so");
    expect(detail).toContain("broke off");
    expect(requests).toBe(1);
  });

  test("no first byte in time: fails, and the request is aborted", async () => {
    const { detail, requests } = await asking.ask(answerAndHang(), { firstByteTimeoutMs: 30 });
    expect(detail).toContain("in time");
    expect(requests).toBe(1);
    await whenAborted((await asking.emulator.received(1)).aborted);
  });

  test("silence in the middle: fails with the text so far, and the request is aborted", async () => {
    const { text, detail } = await asking.ask(answerAndHang(say("so far")), {
      silenceTimeoutMs: 30,
    });
    expect(text).toBe("so far");
    expect(detail).toContain("in time");
    await whenAborted((await asking.emulator.received(1)).aborted);
  });

  test("the time that the reader takes is no silence", async () => {
    asking.emulator.respondWith(answer(say("a"), say("b"), finish()));
    const deltas: Delta[] = [];
    for await (const delta of asking.createModel({ silenceTimeoutMs: 30 })(prompt, neverAborted)) {
      await Bun.sleep(60);
      deltas.push(delta);
    }
    expect(deltas).toHaveLength(3);
  });
});
