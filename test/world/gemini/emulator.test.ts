import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { GoogleGenAI } from "@google/genai";
import { z } from "zod";
import {
  answer,
  answerAndHang,
  blockPrompt,
  cut,
  failInside,
  finish,
  refuse,
  say,
  sayTorn,
  together,
  until,
} from "./script.ts";
import { startGeminiEmulator, type Emulator } from "./server.ts";

let emulator: Emulator;
beforeEach(() => void (emulator = startGeminiEmulator({ pieceDelayMs: 0 })));
afterEach(() => emulator.stop());

const Response = z.object({
  candidates: z.array(
    z.object({
      content: z.object({ parts: z.array(z.object({ text: z.string() })) }).optional(),
      finishReason: z.string().optional(),
    }),
  ),
  usageMetadata: z
    .object({
      promptTokenCount: z.int(),
      candidatesTokenCount: z.int(),
      totalTokenCount: z.int(),
    })
    .optional(),
  modelVersion: z.string().optional(),
});
const GoogleError = z.object({
  error: z.object({ code: z.int(), message: z.string(), status: z.string() }),
});

const sse = "/v1beta/models/gemini-2.5-flash:streamGenerateContent?alt=sse";

function ask(path: string, question = "Hello?", init: RequestInit = {}) {
  const contents = [{ role: "user", parts: [{ text: question }] }];
  return fetch(emulator.url + path, {
    method: "POST",
    body: JSON.stringify({ contents }),
    ...init,
  });
}

function eventsOf(body: string) {
  expect(body).toEndWith("\r\n\r\n");
  return body
    .slice(0, -4)
    .split("\r\n\r\n")
    .map((line) => {
      expect(line).toStartWith("data: ");
      return Response.parse(JSON.parse(line.slice("data: ".length)));
    });
}

const textOf = (events: z.infer<typeof Response>[]) =>
  events
    .flatMap((event) => event.candidates)
    .flatMap((candidate) => candidate.content?.parts ?? [])
    .map((part) => part.text)
    .join("");

test("without a script the demonstration answers, streamed as Gemini streams", async () => {
  const response = await ask(sse, "Why is the sky blue?");
  expect(response.headers.get("Content-Type")).toBe("text/event-stream");
  const events = eventsOf(await response.text());
  expect(events.length).toBeGreaterThan(3);
  expect(textOf(events)).toContain("“Why is the sky blue?”");
  expect(events.map((event) => event.candidates[0]?.finishReason)).toEqual([
    ...events.slice(1).map(() => undefined),
    "STOP",
  ]);
  expect(events.every((event) => event.modelVersion === "gemini-2.5-flash")).toBeTrue();
  const answerTokens = Math.ceil(textOf(events).length / 4);
  expect(events.at(-1)?.usageMetadata).toEqual({
    promptTokenCount: 5,
    candidatesTokenCount: answerTokens,
    totalTokenCount: 5 + answerTokens,
  });
});

describe("Gemini's REST", () => {
  test("without alt=sse a stream is a JSON array", async () => {
    emulator.respondWith(answer(say("One"), say("two"), finish()));
    const response = await ask("/v1/models/gemini-2.5-flash:streamGenerateContent");
    expect(response.headers.get("Content-Type")).toStartWith("application/json");
    const events = z.array(Response).parse(await response.json());
    expect(events).toHaveLength(3);
    expect(textOf(events)).toBe("Onetwo");
  });

  test("a stream that says nothing is an empty array", async () => {
    emulator.respondWith(answer());
    const response = await ask("/v1/models/gemini-2.5-flash:streamGenerateContent");
    expect(await response.text()).toBe("[]");
  });

  test("generateContent answers the same in one object", async () => {
    emulator.respondWith(
      answer(
        say("One"),
        say("two"),
        finish("MAX_TOKENS", { promptTokenCount: 1, totalTokenCount: 1 }),
      ),
    );
    const response = await ask("/v1/models/gemini-2.5-flash:generateContent");
    expect(await response.json()).toEqual({
      candidates: [
        {
          content: { role: "model", parts: [{ text: "One" }, { text: "two" }] },
          finishReason: "MAX_TOKENS",
          index: 0,
        },
      ],
      usageMetadata: { promptTokenCount: 1, totalTokenCount: 1 },
    });
  });

  test("the SDK generates and counts tokens", async () => {
    const sdk = new GoogleGenAI({ apiKey: "any", httpOptions: { baseUrl: emulator.url } });
    const model = "gemini-2.5-flash";
    const generated = await sdk.models.generateContent({ model, contents: "Hello?" });
    expect(generated.text).toContain("offline demonstration");
    const counted = await sdk.models.countTokens({ model, contents: "x".repeat(400) });
    expect(counted.totalTokens).toBe(100);
  });

  test.each([
    ["an unknown path", "/v1/nothing", {}],
    ["an unknown method", "/v1/models/gemini-2.5-flash:dance", {}],
    ["a GET", sse, { method: "GET", body: undefined }],
  ])("%s is Google's 404", async (_, path, init) => {
    const response = await ask(path, "Hello?", init);
    expect(response.status).toBe(404);
    expect(GoogleError.parse(await response.json()).error).toMatchObject({
      code: 404,
      status: "NOT_FOUND",
    });
  });

  test.each([
    ["broken JSON", "{"],
    ["no contents", "{}"],
    ["an unknown role", '{"contents":[{"role":"bot","parts":[{"text":"x"}]}]}'],
    ["a turn without parts", '{"contents":[{"role":"user","parts":[]}]}'],
  ])("%s is Google's 400", async (_, body) => {
    const response = await ask(sse, "", { body });
    expect(response.status).toBe(400);
    expect(GoogleError.parse(await response.json()).error.status).toBe("INVALID_ARGUMENT");
    expect(emulator.requests).toHaveLength(0);
  });
});

describe("scripts", () => {
  test("are used once each, in order, and then the demonstration answers again", async () => {
    emulator.respondWith(answer(say("first")), answer(say("second")));
    expect(textOf(eventsOf(await (await ask(sse)).text()))).toBe("first");
    expect(textOf(eventsOf(await (await ask(sse)).text()))).toBe("second");
    expect(textOf(eventsOf(await (await ask(sse)).text()))).toContain("offline demonstration");
  });

  test("may be chosen by looking at the request", async () => {
    const choosing = startGeminiEmulator({
      script: ({ model }) => (model === "special" ? answer(say("chosen")) : undefined),
      pieceDelayMs: 0,
    });
    const askModel = async (model: string) => {
      const path = `/v1/models/${model}:generateContent`;
      const body = '{"contents":[{"parts":[{"text":"?"}]}]}';
      const response = await fetch(choosing.url + path, { method: "POST", body });
      return textOf([Response.parse(await response.json())]);
    };
    expect(await askModel("special")).toContain("chosen");
    expect(await askModel("other")).toContain("offline demonstration");
    await choosing.stop();
  });

  test("wait at a gate until the test opens it, and tell that they came there", async () => {
    const order: string[] = [];
    const reached = Promise.withResolvers<void>();
    const gate = Promise.withResolvers<void>();
    const waiting = until(() => {
      reached.resolve();
      return gate.promise;
    });
    emulator.respondWith(answer(say("before"), waiting, say("after")));
    const chunks = readerOf(await ask(sse));
    expect(await chunks.next()).toContain("before");
    await reached.promise;
    const next = chunks.next().then((chunk) => {
      order.push("read");
      return chunk;
    });
    order.push("opened");
    gate.resolve();
    expect(await next).toContain("after");
    expect(order).toEqual(["opened", "read"]);
  });

  test("refuse as Google does, with details and Retry-After", async () => {
    emulator.respondWith(
      refuse(429, { message: "Slow down.", retryAfter: "7", retryDelay: "9s", reason: "QUOTA" }),
    );
    const response = await ask(sse);
    expect(response.status).toBe(429);
    expect(response.headers.get("Retry-After")).toBe("7");
    expect(await response.json()).toEqual({
      error: {
        code: 429,
        message: "Slow down.",
        status: "RESOURCE_EXHAUSTED",
        details: [
          {
            "@type": "type.googleapis.com/google.rpc.ErrorInfo",
            reason: "QUOTA",
            domain: "googleapis.com",
          },
          { "@type": "type.googleapis.com/google.rpc.RetryInfo", retryDelay: "9s" },
        ],
      },
    });
  });

  test("cut the connection in the middle, and before the first byte", async () => {
    emulator.respondWith(answer(say("half"), cut()), answer(cut()));
    const chunks = readerOf(await ask(sse));
    expect(await chunks.next()).toContain("half");
    await expect(chunks.next()).rejects.toMatchObject({ code: "ECONNRESET" });
    await expect(ask(sse)).rejects.toMatchObject({ code: "ECONNRESET" });
  });

  test("tell an error inside a stream, block a prompt, send events together", async () => {
    emulator.respondWith(
      answer(together(say("a"), say("b")), failInside(503)),
      answer(blockPrompt("SAFETY")),
    );
    const chunks = readerOf(await ask(sse));
    expect(eventsOf((await chunks.next()).split('data: {"error')[0] ?? "")).toHaveLength(2);
    expect(await (await ask(sse)).text()).toBe(
      'data: {"promptFeedback":{"blockReason":"SAFETY"}}\r\n\r\n',
    );
  });

  test("split a character's bytes between two network chunks", async () => {
    emulator.respondWith(answer(...sayTorn("über")));
    const bytes: Uint8Array[] = [];
    for await (const chunk of (await ask(sse)).body ?? []) bytes.push(chunk);
    expect(bytes).toHaveLength(2);
    expect(bytes[0]?.at(-1)).toBe(0xc3);
    expect(textOf(eventsOf(Buffer.concat(bytes).toString()))).toBe("über");
  });
});

describe("what the emulator saw", () => {
  test("has the model, the headers and the body with unknown members", async () => {
    const body = { contents: [{ parts: [{ text: "?" }] }], generationConfig: { temperature: 0 } };
    await ask(sse, "", { body: JSON.stringify(body), headers: { "x-goog-api-key": "abc" } });
    const [request] = emulator.requests;
    expect(request?.model).toBe("gemini-2.5-flash");
    expect(request?.method).toBe("streamGenerateContent");
    expect(request?.headers.get("x-goog-api-key")).toBe("abc");
    expect(request?.body).toEqual(body);
  });

  test("can be awaited, and tells when the client has gone", async () => {
    emulator.respondWith(answerAndHang(say("Hello")));
    const first = emulator.received(1);
    const client = new AbortController();
    const response = await ask(sse, "Hello?", { signal: client.signal });
    const { aborted } = await first;
    expect(await emulator.received(1)).toBe(await first);
    expect(aborted.aborted).toBeFalse();
    const gone = Promise.withResolvers<void>();
    aborted.addEventListener("abort", () => gone.resolve());
    client.abort();
    await gone.promise;
    await expect(response.text()).rejects.toThrow();
  });

  test("does not call an answer that was read to its end aborted", async () => {
    await (await ask(sse)).text();
    await (await ask(sse)).text();
    expect(emulator.requests.map((request) => request.aborted.aborted)).toEqual([false, false]);
  });

  test("is bounded", async () => {
    const small = startGeminiEmulator({ requestsKeptMax: 2, pieceDelayMs: 0 });
    for (const text of ["1", "2", "3"]) {
      const body = JSON.stringify({ contents: [{ parts: [{ text }] }] });
      await (await fetch(small.url + sse, { method: "POST", body })).text();
    }
    const texts = small.requests.map((request) => request.body.contents[0]?.parts[0]?.text);
    expect(texts).toEqual(["2", "3"]);
    expect((await small.received(3)).body.contents[0]?.parts[0]?.text).toBe("3");
    await expect(small.received(1)).rejects.toThrow("no longer kept");
    await small.stop();
  });
});

function readerOf(response: globalThis.Response) {
  const reader = response.body?.getReader();
  return {
    async next() {
      const read = await reader?.read();
      return new TextDecoder().decode(read?.value);
    },
  };
}
