// When Gemini is asked again, when it isn't, and that nothing goes on after its reader has left.
import { afterEach, beforeEach, describe, expect } from "bun:test";
import { ModelError } from "../../../src/model/stream-answer.ts";
import {
  answer,
  answerAndHang,
  cut,
  failInside,
  finish,
  refuse,
  say,
  think,
  type Script,
} from "../../world/gemini/script.ts";
import { startGeminiEmulator } from "../../world/gemini/server.ts";
import {
  apiKey,
  gateway,
  neverAborted,
  prompt,
  startAsking,
  whenAborted,
  type Asking,
} from "../../answers/asking.ts";
import { longTest, test } from "../../world/long.ts";

let asking: Asking;
beforeEach(() => void (asking = startAsking()));
afterEach(() => asking.stop());

const fine = answer(say("fine"), finish());

/** The waits before further tries, as logged, in milliseconds. */
const waits = () =>
  asking.logged
    .map((line): unknown => JSON.parse(line))
    .flatMap((line) => (line instanceof Object && "wait_ms" in line ? [line.wait_ms] : []));

describe("a try that failed before any visible text", () => {
  const temporary: [string, Script][] = [
    ...[429, 408, 500, 502, 503, 504, 529].map((status): [string, Script] => [
      `a ${status}`,
      refuse(status),
    ]),
    ["a proxy's 502 that is no JSON", refuse(502, { html: "<h1>Bad gateway</h1>" })],
    ["a 503 whose JSON is broken", { ...refuse(503), body: "{" }],
    ["a 503 told inside the stream", answer(failInside(503))],
    ["a 429 told after thoughts", answer(think("Hm."), failInside(429))],
    ["a reset connection", answer(cut())],
    ["a connection that is cut after thoughts", answer(think("Hm."), cut())],
  ];
  test.each(temporary)("%s: is made again, and nobody sees it", async (_, script) => {
    const { pieces, endings, requests } = await asking.ask([script, fine]);
    expect(pieces).toEqual(["fine"]);
    expect(endings).toEqual([{ status: "complete" }]);
    expect(requests).toBe(2);
  });

  test.each(temporary)("%s: fails after three tries", async (_, script) => {
    const { detail, requests } = await asking.ask([script, script, script, fine]);
    expect(detail).toMatch(/^(Gemini|The connection) .*try again later\.$/);
    expect(requests).toBe(3);
  });

  test("nobody listening: fails after three tries", async () => {
    const gone = startGeminiEmulator();
    await gone.stop();
    const { detail } = await asking.ask([], { baseUrl: gone.url });
    expect(detail).toBe("The connection to Gemini failed. Please try again later.");
    expect(waits()).toHaveLength(2);
  });

  test("waits twice as long each time, less up to half at random", async () => {
    await asking.ask([refuse(503), refuse(503), fine], { backoffMs: 20 });
    const [first, second] = waits();
    expect(first).toBeWithin(10, 21);
    expect(second).toBeWithin(20, 41);
  });

  longTest("waits as long as Retry-After says", async () => {
    const started = performance.now();
    const { pieces } = await asking.ask([refuse(429, { retryAfter: "1" }), fine]);
    expect(pieces).toEqual(["fine"]);
    expect(waits()).toEqual([1_000]);
    expect(performance.now() - started).toBeGreaterThanOrEqual(999);
  });

  test("waits until the date that Retry-After says", async () => {
    const retryAfter = new Date(Date.now() + 9_000).toUTCString();
    asking.emulator.respondWith(refuse(503, { retryAfter }));
    const controller = new AbortController();
    const waiting = asking.untilLogged("wait_ms");
    const next = asking.createModel()(prompt, controller.signal)[Symbol.asyncIterator]().next();
    await waiting;
    controller.abort("seen");
    await expect(next).rejects.toBe("seen");
    expect(waits()[0]).toBeWithin(2_000, 9_001);
  });

  test("waits as long as google.rpc.RetryInfo says, also inside a stream", async () => {
    const error = { code: 429, message: "Slow down.", status: "RESOURCE_EXHAUSTED" };
    const details = [{ "@type": "type.googleapis.com/google.rpc.RetryInfo", retryDelay: "0.04s" }];
    const inside = answer({ kind: "events", events: [{ error: { ...error, details } }] });
    await asking.ask([refuse(503, { retryDelay: "0.05s" }), inside, fine]);
    expect(waits()).toEqual([50, 40]);
  });

  test.each([
    ["seconds", { retryAfter: "11" }, "in 11 seconds"],
    ["a date", { retryAfter: new Date(Date.now() + 600_000).toUTCString() }, "in 10 minutes"],
    ["RetryInfo", { retryDelay: "40000s" }, "in 12 hours"],
    ["longer than any quota lasts", { retryAfter: "9".repeat(24) }, "later"],
    ["without end", { retryDelay: `${"9".repeat(400)}s` }, "later"],
    ["the longer of both", { retryAfter: "1", retryDelay: "34.2s" }, "in 35 seconds"],
  ])("fails at once when asked to wait too long (%s), and says how long", async (_, more, time) => {
    const { detail, requests } = await asking.ask([refuse(429, more), fine]);
    expect(detail).toEndWith(`Please try again ${time}.`);
    expect(requests).toBe(1);
  });

  test.each(["soon", "-5", "", "Wed, 21 Oct 2015 07:28:00 GMT"])(
    "does not mind a Retry-After of %p",
    async (retryAfter) => {
      expect((await asking.ask([refuse(503, { retryAfter }), fine])).pieces).toEqual(["fine"]);
    },
  );
});

describe("a refusal that another try would not mend", () => {
  test.each([400, 422])(
    "%i without known words: says that the question was not accepted",
    async (status) => {
      const { detail, requests } = await asking.ask([refuse(status), fine]);
      expect(detail).toBe("Gemini did not accept this question.");
      expect(requests).toBe(1);
    },
  );

  test("neither the log nor the error has the key, even where Google's message has it", async () => {
    const message = `Consumer 'api_key:${apiKey}' has been suspended.`;
    const { error } = await asking.ask(refuse(403, { message }));
    expect(asking.logged.join()).toContain("Consumer 'api_key:[key]' has been suspended.");
    expect(asking.logged.join()).not.toContain(apiKey);
    expect(Bun.inspect(error)).not.toContain(apiKey);
    const { detail } = await asking.ask(refuse(403, { message }));
    expect(detail).not.toContain("Consumer");
  });

  test("told inside the stream: is not tried again either", async () => {
    const { detail, requests } = await asking.ask([answer(failInside(400)), fine]);
    expect(detail).toBe("Gemini did not accept this question.");
    expect(requests).toBe(1);
  });

  test("a connection's failure is logged without key or headers", async () => {
    const { error } = await asking.ask([answer(cut()), answer(cut()), answer(cut())]);
    for (const text of [asking.logged.join(), Bun.inspect(error)]) {
      expect(text).not.toContain(apiKey);
      expect(text.toLowerCase()).not.toContain("x-goog-api-key");
    }
  });
});

describe("a reader that leaves", () => {
  test("by its signal while text comes: gets its reason at once, and the request is aborted", async () => {
    asking.emulator.respondWith(answerAndHang(say("Hello")));
    const controller = new AbortController();
    const deltas = asking.createModel()(prompt, controller.signal)[Symbol.asyncIterator]();
    expect((await deltas.next()).value).toEqual({ text: "Hello" });
    const next = deltas.next();
    const reason = new Error("stopped by alice");
    controller.abort(reason);
    await expect(next).rejects.toBe(reason);
    await whenAborted((await asking.emulator.received(1)).aborted);
  });

  test("by its signal before the first byte: likewise", async () => {
    asking.emulator.respondWith(answerAndHang());
    const controller = new AbortController();
    const next = asking.createModel()(prompt, controller.signal)[Symbol.asyncIterator]().next();
    const { aborted } = await asking.emulator.received(1);
    controller.abort("stopped");
    await expect(next).rejects.toBe("stopped");
    await whenAborted(aborted);
  });

  test("by its signal while it is busy with a piece: the request is aborted at once", async () => {
    asking.emulator.respondWith(answerAndHang(say("Hello")));
    const controller = new AbortController();
    const deltas = asking.createModel()(prompt, controller.signal)[Symbol.asyncIterator]();
    await deltas.next();
    controller.abort("stopped");
    await whenAborted((await asking.emulator.received(1)).aborted);
    await expect(deltas.next()).rejects.toBe("stopped");
  });

  test("by its signal while waiting for another try: leaves at once and asks no more", async () => {
    asking.emulator.respondWith(refuse(503, { retryAfter: "9" }));
    const controller = new AbortController();
    const waiting = asking.untilLogged("wait_ms");
    const next = asking.createModel()(prompt, controller.signal)[Symbol.asyncIterator]().next();
    await waiting;
    controller.abort("stopped");
    await expect(next).rejects.toBe("stopped");
    expect(asking.emulator.requests).toHaveLength(1);
  });

  test("before it began: nothing is asked", async () => {
    const deltas = asking.createModel()(prompt, AbortSignal.abort("stopped"));
    await expect(Array.fromAsync(deltas)).rejects.toBe("stopped");
    expect(asking.emulator.requests).toHaveLength(0);
  });

  test("by breaking out of its loop: the request is aborted", async () => {
    asking.emulator.respondWith(answerAndHang(say("Hello")));
    for await (const delta of asking.createModel()(prompt, neverAborted)) {
      expect(delta).toEqual({ text: "Hello" });
      break;
    }
    await whenAborted((await asking.emulator.received(1)).aborted);
  });

  test("never stops the answer of another", async () => {
    const gate = gateway();
    asking.emulator.respondWith(answerAndHang(say("one")), answer(say("two"), gate.step, finish()));
    const model = asking.createModel();
    const controller = new AbortController();
    const one = model(prompt, controller.signal)[Symbol.asyncIterator]();
    await one.next();
    const two = Array.fromAsync(model(prompt, neverAborted));
    await gate.reached;
    controller.abort("stopped");
    await expect(one.next()).rejects.toBe("stopped");
    gate.open();
    expect(await two).toEqual([{ text: "two" }, { ending: { status: "complete" } }]);
  });
});

describe("a failure after visible text is never tried again", () => {
  test.each([
    ["a 408", failInside(408)],
    ["a 429", failInside(429)],
    ["a 500", failInside(500)],
    ["a 503", failInside(503)],
    ["a cut connection", cut()],
  ])("%s: fails at once, and the text stays", async (_, failure) => {
    const { text, error, requests } = await asking.ask([answer(say("so far"), failure), fine]);
    expect(text).toBe("so far");
    expect(error).toBeInstanceOf(ModelError);
    expect(requests).toBe(1);
    expect(waits()).toEqual([]);
  });

  test("of the second try: likewise", async () => {
    const { text, requests } = await asking.ask([
      refuse(503),
      answer(say("so far"), failInside(503)),
      fine,
    ]);
    expect(text).toBe("so far");
    expect(requests).toBe(2);
  });
});
