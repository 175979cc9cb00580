// How an answer of Gemini's ends, through the real SDK against the emulator: complete, truncated, blocked or failed.
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { type Delta } from "../../../src/model/stream-answer.ts";
import {
  answer,
  answerAndHang,
  blockPrompt,
  bytes,
  count,
  cut,
  failInside,
  finish,
  pause,
  say,
  think,
  together,
  type Step,
} from "../../world/gemini/script.ts";
import {
  gateway,
  neverAborted,
  prompt,
  startAsking,
  whenAborted,
  type Asking,
} from "../../answers/asking.ts";

let asking: Asking;
beforeEach(() => void (asking = startAsking()));
afterEach(() => asking.stop());

describe("the ending", () => {
  test.each(["MAX_TOKENS", "CONTINUATION"])("is truncated after %s", async (reason) => {
    const { text, endings } = await asking.ask(answer(say("so far"), finish(reason)));
    expect(text).toBe("so far");
    expect(endings.map((ending) => ending.status)).toEqual(["truncated"]);
    expect(endings[0]?.error).toContain("length limit");
  });

  const blocking: [string, string][] = [
    ["SAFETY", "safety rules"],
    ["RECITATION", "published text"],
    ["BLOCKLIST", "forbidden term"],
    ["PROHIBITED_CONTENT", "prohibited content"],
    ["MODEL_ARMOR", "prohibited content"],
    ["SPII", "personal data"],
    ["LANGUAGE", "language"],
    ["IMAGE_SAFETY", "safety rules"],
    ["IMAGE_PROHIBITED_CONTENT", "prohibited content"],
    ["IMAGE_RECITATION", "published text"],
  ];
  test.each(blocking)(
    "is blocked after %s, with a plain reason and what was said before",
    async (reason, why) => {
      const { text, endings } = await asking.ask(answer(say("so far"), finish(reason)));
      expect(text).toBe("so far");
      expect(endings.map((ending) => ending.status)).toEqual(["blocked"]);
      expect(endings[0]?.error).toMatch(/^Gemini('s)? [^_]+\.$/);
      expect(endings[0]?.error).toContain(why);
    },
  );

  test.each(blocking)(
    "is blocked after %s before any text, and not asked again",
    async (reason) => {
      const { pieces, endings, requests } = await asking.ask(answer(finish(reason)));
      expect(pieces).toEqual([]);
      expect(endings.map((ending) => ending.status)).toEqual(["blocked"]);
      expect(requests).toBe(1);
    },
  );

  test("is truncated, not empty, when the thoughts took all tokens", async () => {
    const { pieces, endings } = await asking.ask(answer(think("Hm."), finish("MAX_TOKENS")));
    expect(pieces).toEqual([]);
    expect(endings.map((ending) => ending.status)).toEqual(["truncated"]);
  });

  test.each(["SAFETY", "BLOCKLIST", "PROHIBITED_CONTENT", "OTHER", "SOMETHING_NEW"])(
    "is blocked when the question is, for %s, with the tokens it cost",
    async (reason) => {
      const { pieces, endings, usages } = await asking.ask(
        answer(blockPrompt(reason), count({ promptTokenCount: 9, totalTokenCount: 9 })),
      );
      expect(pieces).toEqual([]);
      expect(endings.map((ending) => ending.status)).toEqual(["blocked"]);
      expect(endings[0]?.error).toContain("question");
      expect(usages.map((usage) => usage.total_tokens)).toEqual([9]);
    },
  );

  test("does not wait long for a connection that stays open after the finish reason", async () => {
    const open = answerAndHang(say("all"), finish());
    const { text, endings } = await asking.ask(open, { closingTimeoutMs: 30 });
    expect(text).toBe("all");
    expect(endings).toEqual([{ status: "complete" }]);
    await whenAborted((await asking.emulator.received(1)).aborted);
  });

  test.each(["", "FINISH_REASON_UNSPECIFIED"])("is not told by the reason %p", async (unused) => {
    const blockReason = unused.replace("FINISH", "BLOCK");
    const candidates = [{ content: { parts: [{ text: "so " }] }, finishReason: unused }];
    const chunk = { candidates, promptFeedback: { blockReason } };
    const { text, endings } = await asking.ask(
      answer(bytes(`data: ${JSON.stringify(chunk)}\r\n\r\n`), pause(100), say("far"), finish()),
      { closingTimeoutMs: 30 },
    );
    expect(text).toBe("so far");
    expect(endings).toEqual([{ status: "complete" }]);
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
    ["an error that no other try would mend", [failInside(400)]],
    ["an error as bare JSON, as a proxy would", [bytes('{"error":{"code":500,"message":"x"}}')]],
    ["no finish reason", []],
    ["no finish reason after thoughts", [think("Hm.")]],
    [
      "a chunk of another shape",
      [bytes('data: {"candidates":[{"finishReason":7}]}\r\n\r\n'), say("more"), finish()],
    ],
    ["no JSON at all", [bytes("<html>Bad gateway</html>")]],
    ...[
      "OTHER",
      "MALFORMED_FUNCTION_CALL",
      "UNEXPECTED_TOOL_CALL",
      "TOO_MANY_TOOL_CALLS",
      "MALFORMED_RESPONSE",
      "FINISH_REASON_UNSPECIFIED",
      "SOMETHING_NEW",
    ].map((reason): [string, Step[]] => [`the finish reason ${reason}`, [finish(reason)]]),
  ];
  test.each(broken)("%s: keeps the text and is not tried again", async (_, steps) => {
    const { text, endings, detail, requests } = await asking.ask(answer(say("so far"), ...steps));
    expect(text).toBe("so far");
    expect(endings).toEqual([]);
    expect(detail).toMatch(/^(Gemini|The connection).+\.$/);
    expect(requests).toBe(1);
  });

  test.each(broken)("%s: keeps what came in the same network chunk before it", async (_, steps) => {
    const first = steps.findIndex((step) => step.kind !== "events");
    const events = steps.slice(0, first < 0 ? undefined : first);
    const joined = together(say("so far"), ...events.filter((step) => step.kind === "events"));
    const { text, endings } = await asking.ask(answer(joined, ...steps.slice(events.length)));
    expect(text).toBe("so far");
    expect(endings).toEqual([]);
  });

  test.each([
    ["an empty body", []],
    ["nothing but thoughts and no finish reason", [think("Hm.")]],
    ["truncated JSON", [bytes('data: {"candidates":[{"content":{"par\r\n\r\n')]],
    ["no JSON at all", [bytes("<html>Bad gateway</html>")]],
  ])("%s instead of an answer: fails, and is not tried again", async (_, steps: Step[]) => {
    const { pieces, endings, detail, requests } = await asking.ask(answer(...steps));
    expect(pieces).toEqual([]);
    expect(endings).toEqual([]);
    expect(detail).toBe("Gemini's answer broke off before its end.");
    expect(requests).toBe(1);
  });

  test.each([
    ["STOP without any text", answer(finish())],
    ["STOP after nothing but thoughts", answer(think("Hm."), finish())],
    ["STOP after white space", answer(say(" "), say("\n\n"), finish())],
    ["STOP with white space in its chunk", answer(together(say(" \t\u00a0"), finish()))],
    ["STOP after a long white space", answer(say(" ".repeat(5_000)), say("\n"), finish())],
    [
      "STOP after white space among thoughts",
      answer(say("\n"), think("Hm."), say("\r\n"), finish()),
    ],
    ["STOP after invisible characters", answer(say("\u200b\ufeff"), say("\u2060\u00ad"), finish())],
  ])("%s is an empty answer", async (_, script) => {
    const { pieces, endings, detail } = await asking.ask(script);
    expect(pieces).toEqual([]);
    expect(endings).toEqual([]);
    expect(detail).toContain("empty answer");
  });

  test.each<[how: string, pieces: string[], shown: string[]]>([
    ["in one chunk", ["\n\n  Yes. "], ["\n\n  Yes. "]],
    ["in chunks of its own", [" ", "\n\n", "Yes.", " ", "\n"], [" \n\nYes.", " ", "\n"]],
    [
      "of more invisible characters than are kept, without half of one",
      ["\u{e0100}".repeat(600), " ", "Yes."],
      [`${"\u{e0100}".repeat(499)} Yes.`],
    ],
    ["before half a character", ["\n", "\ud83e", "\udd8a"], ["\n🦊"]],
  ])("white space before a text stays with it, %s", async (_, said, shown) => {
    const { pieces, endings } = await asking.ask(
      answer(...said.map((text) => say(text)), finish()),
    );
    expect(pieces).toEqual(shown);
    expect(endings).toEqual([{ status: "complete" }]);
  });

  test.each(["MAX_TOKENS", "SAFETY"])("white space before %s is not shown", async (reason) => {
    const { pieces, endings } = await asking.ask(answer(say("\n"), finish(reason)));
    expect(pieces).toEqual([]);
    expect(endings).toHaveLength(1);
  });

  test("white space is no visible text: a failure after it is tried again", async () => {
    const { pieces, requests } = await asking.ask([
      answer(say("\n"), failInside(503)),
      answer(say("fine"), finish()),
    ]);
    expect(pieces).toEqual(["fine"]);
    expect(requests).toBe(2);
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

  test("silence after a first thought: fails by the limit of silence", async () => {
    const { pieces, detail, requests } = await asking.ask(answerAndHang(think("Hm.")), {
      firstByteTimeoutMs: 10_000,
      silenceTimeoutMs: 30,
    });
    expect(pieces).toEqual([]);
    expect(detail).toContain("in time");
    expect(requests).toBe(1);
  });

  test("bytes that are no chunk are not the first byte of an answer", async () => {
    const dripping = answer(
      ...Array.from({ length: 50 }, () => [pause(10), bytes(": still here\r\n\r\n")]).flat(),
      say("late"),
      finish(),
    );
    const { text, detail } = await asking.ask(dripping, { firstByteTimeoutMs: 60 });
    expect(text).toBe("");
    expect(detail).toContain("in time");
    await whenAborted((await asking.emulator.received(1)).aborted);
  });

  test("chunks without text for ever: fails by the limit of the whole, and the request is aborted", async () => {
    const endless = answer(
      say("so far"),
      ...Array.from({ length: 300 }, () => [pause(10), think("Hm.")]).flat(),
    );
    const { text, detail, requests } = await asking.ask(endless, { wholeTimeoutMs: 200 });
    expect(text).toBe("so far");
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
