// The tokens that Gemini counts and the web pages it names, through the real SDK against the emulator.
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import {
  answer,
  answerAndHang,
  bytes,
  count,
  cut,
  failInside,
  finish,
  ground,
  say,
  think,
} from "../../world/gemini/script.ts";
import { neverAborted, prompt, startAsking, type Asking } from "../../answers/asking.ts";

let asking: Asking;
beforeEach(() => void (asking = startAsking()));
afterEach(() => asking.stop());

describe("the tokens", () => {
  const early = { promptTokenCount: 11, totalTokenCount: 11 };
  const whole = {
    promptTokenCount: 11,
    candidatesTokenCount: 5,
    thoughtsTokenCount: 70,
    toolUsePromptTokenCount: 3,
    cachedContentTokenCount: 4,
    totalTokenCount: 89,
  };
  const earlyUsage = {
    prompt_tokens: 11,
    answer_tokens: 0,
    thoughts_tokens: 0,
    cached_tokens: 0,
    total_tokens: 11,
  };

  test("are told whenever they changed, and the last are the whole answer's", async () => {
    const { usages } = await asking.ask(
      answer(count(early), say("o"), count(early), say("k"), finish("STOP", whole)),
    );
    expect(usages).toEqual([
      earlyUsage,
      {
        prompt_tokens: 11,
        answer_tokens: 5,
        thoughts_tokens: 70,
        cached_tokens: 4,
        total_tokens: 89,
      },
    ]);
  });

  test("come before the text of their chunk, so that who stops there knows what it cost", async () => {
    const content = { role: "model", parts: [{ text: "Hello" }] };
    const chunk = { candidates: [{ content }], usageMetadata: early };
    asking.emulator.respondWith(answerAndHang(bytes(`data: ${JSON.stringify(chunk)}\r\n\r\n`)));
    const deltas = asking.createModel()(prompt, neverAborted)[Symbol.asyncIterator]();
    expect((await deltas.next()).value).toEqual({ usage: earlyUsage });
    expect((await deltas.next()).value).toEqual({ text: "Hello" });
    await deltas.return?.();
  });

  test.each([
    ["is cut", cut()],
    ["tells an error", failInside(503)],
    ["ends without a finish reason", say("")],
  ])("are told of an answer that then %s", async (_, failure) => {
    const { usages, error } = await asking.ask(answer(count(early), say("so far"), failure));
    expect(error).toBeDefined();
    expect(usages).toEqual([earlyUsage]);
  });

  test("of a try that was made again do not hold it back, and the next one's count instead", async () => {
    const { usages, text, requests } = await asking.ask([
      answer(think("Hm."), count(whole), failInside(503)),
      answer(say("fine"), finish("STOP", early)),
    ]);
    expect(text).toBe("fine");
    expect(requests).toBe(2);
    expect(usages.map((usage) => usage.total_tokens)).toEqual([89, 11]);
  });

  test.each([
    ["negative", { promptTokenCount: -5, totalTokenCount: 4 }],
    ["fractional", { promptTokenCount: 1.5, totalTokenCount: 4 }],
    ["larger than any model's", { promptTokenCount: 4, totalTokenCount: Number.MAX_SAFE_INTEGER }],
    ["a text", { promptTokenCount: "4", totalTokenCount: 4 }],
  ])("do not count where one is %s, and never fail an answer", async (_, usageMetadata) => {
    const odd = bytes(`data: ${JSON.stringify({ usageMetadata })}\r\n\r\n`);
    const { text, usages, endings } = await asking.ask(
      answer(count(early), say("o"), odd, say("k"), finish()),
    );
    expect(text).toBe("ok");
    expect(usages).toEqual([earlyUsage]);
    expect(endings).toEqual([{ status: "complete" }]);
  });

  test("have Gemini's own total, which is what it charges for", async () => {
    const usage = { promptTokenCount: 1, candidatesTokenCount: 2, totalTokenCount: 100 };
    const { usages } = await asking.ask(answer(say("ok"), finish("STOP", usage)));
    expect(usages.map((told) => told.total_tokens)).toEqual([100]);
  });

  test("are added up when Gemini gives no total", async () => {
    const counts = { promptTokenCount: 1, candidatesTokenCount: 2, thoughtsTokenCount: 4 };
    const usageMetadata = { ...counts, toolUsePromptTokenCount: 8 };
    const { usages } = await asking.ask(
      answer(say("ok"), bytes(`data: ${JSON.stringify({ usageMetadata })}\r\n\r\n`), finish()),
    );
    expect(usages.map((told) => told.total_tokens)).toEqual([15]);
  });
});

describe("the sources", () => {
  const sourcesOf = async (...steps: Parameters<typeof answer>) =>
    (await asking.ask(answer(say("Found."), ...steps, finish()))).endings[0]?.sources;
  const page = (name: string) => ({ uri: `https://${name}.example/`, title: name });

  test("are the pages of any chunk, each once, in the order in which they were found", async () => {
    const { endings } = await asking.ask(
      answer(
        ground(page("a"), page("b")),
        say("Found."),
        ground({ uri: "https://b.example", title: "again" }, page("c")),
        finish(),
      ),
    );
    expect(endings).toEqual([
      {
        status: "complete",
        sources: ["a", "b", "c"].map((name) => ({ title: name, url: page(name).uri })),
      },
    ]);
  });

  test.each(["MAX_TOKENS", "SAFETY"])("are kept when the answer ends with %s", async (reason) => {
    const { endings } = await asking.ask(answer(say("Fou"), ground(page("a")), finish(reason)));
    expect(endings[0]?.sources).toHaveLength(1);
  });

  test("are absent when there are none", async () => {
    expect(await sourcesOf(ground())).toBeUndefined();
  });

  test.each([
    "javascript:alert(1)",
    "ftp://a.example/",
    "data:text/html,x",
    "//a.example",
    "nowhere",
    "",
    `https://a.example/${"x".repeat(2_048)}`,
  ])("have web addresses of a sane length only: %p is left out", async (uri) => {
    expect(await sourcesOf(ground({ uri, title: "a" }, page("b")))).toEqual([
      { title: "b", url: "https://b.example/" },
    ]);
  });

  test("are at most 20", async () => {
    const pages = Array.from({ length: 30 }, (_, index) => page(`p${index}`));
    const sources = await sourcesOf(ground(...pages.slice(0, 15)), ground(...pages.slice(15)));
    expect(sources?.map((source) => source.title)).toEqual(
      pages.slice(0, 20).map((found) => found.title),
    );
  });

  test("have titles that can be stored, of at most 300 characters, or the page's host", async () => {
    const titles = ["a\0b", "\ud83e!", "x".repeat(400), `${"x".repeat(299)}🦊`, undefined, "  "];
    const sources = await sourcesOf(
      ground(...titles.map((title, index) => ({ uri: `https://t${index}.example/`, title }))),
    );
    expect(sources?.map((source) => source.title)).toEqual([
      "a\uFFFDb",
      "\uFFFD!",
      "x".repeat(300),
      "x".repeat(299),
      "t4.example",
      "t5.example",
    ]);
  });

  test("have addresses that are well-formed, whatever Gemini sends", async () => {
    const sources = await sourcesOf(ground({ uri: "https://a.example/ü\ud83e\0x", title: "a" }));
    expect(sources).toEqual([{ title: "a", url: "https://a.example/%C3%BC%EF%BF%BD%00x" }]);
  });

  test.each([
    "null",
    "7",
    "[]",
    "{}",
    '{"groundingChunks":null}',
    '{"groundingChunks":"x"}',
    '{"groundingChunks":[null,7,"x",{},{"web":null},{"web":{}},{"web":{"uri":7}},{"retrievedContext":{"uri":"gs://x"}}]}',
  ])("never fail an answer: groundingMetadata %s", async (groundingMetadata) => {
    const line = bytes(`data: {"candidates":[{"groundingMetadata":${groundingMetadata}}]}\r\n\r\n`);
    expect(await sourcesOf(line, ground(page("a")))).toEqual([
      { title: "a", url: "https://a.example/" },
    ]);
  });

  test("leave out what is malformed and keep what is beside it", async () => {
    const chunks = `[{"web":{"uri":7}},{"web":{"uri":"https://a.example/","title":null}}]`;
    const line = `data: {"candidates":[{"groundingMetadata":{"groundingChunks":${chunks}}}]}\r\n\r\n`;
    expect(await sourcesOf(bytes(line))).toEqual([
      { title: "a.example", url: "https://a.example/" },
    ]);
  });
});
