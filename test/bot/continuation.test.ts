// An answer that goes on: nothing of it twice, and nothing lost.
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { createContinuation } from "../../src/bot/continuation.ts";

function continued(kept: string, pieces: string[]): string {
  const continuation = createContinuation(kept);
  return kept + pieces.map((piece) => continuation.push(piece)).join("") + continuation.end();
}

const words = fc
  .array(fc.integer({ min: 1, max: 9_999 }), { minLength: 12, maxLength: 60 })
  .map((numbers) => numbers.map((number, place) => `word${place}-${number} `).join(""));

function cut(text: string, size: number): string[] {
  return text.match(new RegExp(`.{1,${size}}`, "gsu")) ?? [];
}

describe("a continuation", () => {
  test("that says the last words once more is taken without them, however it is cut", () => {
    fc.assert(
      fc.property(
        words,
        fc.nat(),
        fc.nat(),
        fc.integer({ min: 1, max: 50 }),
        (text, at, back, size) => {
          const end = 40 + (at % (text.length - 40));
          const repeated = 40 + (back % Math.min(360, end - 39));
          const pieces = cut(text.slice(Math.max(0, end - repeated)), size);
          expect(continued(text.slice(0, end), pieces)).toBe(text);
        },
      ),
    );
  });

  test("that simply goes on is taken as it is, however it is cut", () => {
    fc.assert(
      fc.property(words, fc.nat(), fc.integer({ min: 1, max: 50 }), (text, at, size) => {
        const end = at % text.length;
        expect(continued(text.slice(0, end), cut(text.slice(end), size))).toBe(text);
      }),
    );
  });

  test.each([
    ["a table's rule", "| a | b |\n|---|---|---|---|---|---", "|---|---|---|---|---|---|"],
    ["a laugh", "ha ha ha ha ha ha ha ha ", "ha ha ha ha ha ha ha ha!"],
    ["a short word", "It is so, so", ", so it is"],
  ])("keeps %s, which may be meant", (_, kept, next) => {
    expect(continued(kept, [next])).toBe(kept + next);
  });

  test("that is nothing but the last words adds nothing", () => {
    expect(continued("The sky is blue because of light.", ["blue because of light."])).toBe(
      "The sky is blue because of light.",
    );
  });

  test("of nothing is the answer itself, and waits for nothing", () => {
    const continuation = createContinuation("");
    expect(continuation.push("Hello")).toBe("Hello");
    expect(continuation.end()).toBe("");
  });
});
