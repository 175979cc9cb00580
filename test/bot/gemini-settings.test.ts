// What a chat's settings make of a request to Gemini, what it says it cost on the way, and where it looked.
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import type { Delta } from "../../src/bot/model.ts";
import { answer, cut, event, finish, ground, say, type Step } from "../../src/emulator/script.ts";
import { neverAborted, prompt, settings, startAsking, type Asking } from "./asking.ts";

let asking: Asking;
beforeEach(() => void (asking = startAsking()));
afterEach(() => asking.stop());

async function sent(more: Partial<typeof settings>, outputTokensMax = 700) {
  asking.emulator.respondWith(answer(say("ok"), finish()));
  const asked = { ...prompt, settings: { ...settings, ...more }, outputTokensMax };
  await Array.fromAsync(asking.createModel()(asked, neverAborted));
  const { model, body } = await asking.emulator.received(1);
  const { generationConfig, tools } = body;
  return { model, generationConfig, tools };
}

describe("the request", () => {
  test("has only the length limit where a chat has set nothing", async () => {
    const { generationConfig, tools } = await sent({});
    expect(generationConfig).toEqual({ maxOutputTokens: 700 });
    expect(tools).toBeUndefined();
  });

  test("has the chat's model, temperature, thoughts without showing them, and search", async () => {
    const asked = {
      model: "gemini-2.5-pro",
      temperature: 0,
      thinkingBudget: 0,
      googleSearch: true,
    };
    const { model, generationConfig, tools } = await sent(asked);
    expect(model).toBe("gemini-2.5-pro");
    expect(generationConfig).toEqual({
      maxOutputTokens: 700,
      temperature: 0,
      thinkingConfig: { thinkingBudget: 0, includeThoughts: false },
    });
    expect(tools).toEqual([{ googleSearch: {} }]);
  });
});

describe("the counts", () => {
  const counted = (total: number) =>
    event({ usageMetadata: { promptTokenCount: total, totalTokenCount: total } });

  test("come as they are told, so that an answer that breaks off has its cost", async () => {
    asking.emulator.respondWith(answer(say("one"), counted(5), say("two"), counted(9), cut()));
    const deltas: Delta[] = [];
    const reading = (async () => {
      for await (const delta of asking.createModel()(prompt, neverAborted)) deltas.push(delta);
    })();
    expect(await reading.catch((error: unknown) => error)).toBeInstanceOf(Error);
    expect(deltas.map((delta) => ("usage" in delta ? delta.usage.total_tokens : delta))).toEqual([
      { text: "one" },
      5,
      { text: "two" },
      9,
    ]);
  });

  test("before the first word do not keep a cut from being tried again", async () => {
    const { text, requests } = await asking.ask([
      answer(counted(5), cut()),
      answer(say("well"), finish()),
    ]);
    expect([text, requests]).toEqual(["well", 2]);
  });
});

describe("the sources", () => {
  async function sources(...steps: Step[]) {
    const { endings } = await asking.ask(answer(say("It is so."), ...steps, finish()));
    return endings[0]?.sources;
  }

  test("are the pages that any chunk names, each once, in their order", async () => {
    const one = { uri: "https://example.com/one", title: "One" };
    const two = { uri: "http://example.org/two" };
    expect(await sources(ground(one), ground(one, two))).toEqual([
      { title: "One", url: "https://example.com/one" },
      { title: "example.org", url: "http://example.org/two" },
    ]);
  });

  test("are none where Gemini names none", async () => {
    expect(await sources()).toBeUndefined();
  });

  test("have no page that a browser should not open", async () => {
    const bad = ["javascript:alert(1)", "data:text/html,x", "ftp://example.com", "no address"];
    const long = `https://example.com/${"a".repeat(2_100)}`;
    expect(await sources(ground(...[...bad, long].map((uri) => ({ uri }))))).toBeUndefined();
  });

  test("are bounded, and can be stored", async () => {
    const title = `\0 ${"t".repeat(400)}`;
    const pages = Array.from({ length: 30 }, (_, n) => ({ uri: `https://e.com/${n}`, title }));
    const found = await sources(ground(...pages));
    expect(found).toHaveLength(20);
    expect(found?.[0]?.title).toHaveLength(300);
    expect(JSON.stringify(found)).not.toContain("\\u0000");
  });

  test.each<[what: string, metadata: unknown]>([
    ["is no object", "found"],
    ["has no pages", {}],
    ["has a page that is none", { groundingChunks: [null, 7, { web: {} }, { maps: {} }] }],
  ])(
    "that cannot be read leave the answer whole: metadata that %s",
    async (_, groundingMetadata) => {
      const { text, endings } = await asking.ask(
        answer(say("Fine."), event({ candidates: [{ groundingMetadata }] }), finish()),
      );
      expect([text, endings]).toEqual(["Fine.", [{ status: "complete" }]]);
    },
  );
});
