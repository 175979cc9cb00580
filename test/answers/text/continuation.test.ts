// An answer goes on where it broke off: nothing of it is lost, and its last words do not come twice.
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { ContinuationFilter } from "../../../src/answers/text/continuation.ts";

const kept = "Foxes live in most of Europe. They hunt at night, mostly mice, and in cities they";

function continued(before: string, pieces: string[]): string {
  const continuation = new ContinuationFilter(before);
  return pieces.map((piece) => continuation.push(piece)).join("") + continuation.end(true);
}

/** Numbered words: no stretch of 20 characters comes twice, so that every repetition is one. */
const story = fc
  .integer({ min: 0, max: 200 })
  .map((words) => Array.from({ length: words }, (_, index) => `word${index} `).join(""));
const words = fc.string({ unit: "grapheme", maxLength: 60 });
const cuts = fc.array(fc.nat());

function cutInto(whole: string, at: number[]): string[] {
  const places = [0, ...at.map((cut) => cut % (whole.length + 1)), whole.length];
  const sorted = places.toSorted((a, b) => a - b);
  return sorted.slice(1).map((place, index) => whole.slice(sorted[index], place));
}

describe("a continuation", () => {
  test.each([
    ["goes on", " eat almost anything.", " eat almost anything."],
    ["repeats the last words", "mice, and in cities they eat", " eat"],
    ["repeats all that was kept", `${kept} eat`, " eat"],
    ["is nothing but a repetition", "mice, and in cities they", ""],
    ["breaks off within a repetition", "mice, and in cities th", "mice, and in cities th"],
    ["repeats fewer than 20 characters", "and in cities they eat", "and in cities they eat"],
    ["repeats other words of the text", "They hunt at night, mostly", "They hunt at night, mostly"],
    ["begins with spaces", "   mice, and in cities they", "   mice, and in cities they"],
    ["is empty", "", ""],
  ])("that %s", (_, said, shown) => {
    expect(continued(kept, [said])).toBe(shown);
    expect(continued(kept, [...said])).toBe(shown);
  });

  test("of a text that ends with a pattern goes on with it, and loses nothing of it", () => {
    const rule = "Prices:\n" + "-".repeat(30);
    expect(continued(rule, ["-".repeat(25) + "\n"])).toBe("-".repeat(25) + "\n");
    const rows = "| a | b |\n| 1 | 2 |\n" + "| no price yet | - |\n".repeat(2);
    const more = "| no price yet | - |\n| 3 | 4 |";
    expect(continued(rows, [more])).toBe(more);
  });

  test("of a short text is never held back", () => {
    const continuation = new ContinuationFilter("x".repeat(19));
    expect(continuation.push("x")).toBe("x");
  });

  test("is shown at once where it can be no repetition, and from then on", () => {
    const continuation = new ContinuationFilter(kept);
    expect(continuation.push(" e")).toBe(" e");
    expect(continuation.push("mice, and in cities they")).toBe("mice, and in cities they");
    expect(continuation.end(true)).toBe("");
  });

  test("is held back only while it repeats", () => {
    const continuation = new ContinuationFilter(kept);
    expect(continuation.push("mice, and in")).toBe("");
    expect(continuation.push(" towns")).toBe("mice, and in towns");
  });
});

describe("for any text", () => {
  test("a repetition of 20 to 400 characters goes, and all else stays", () => {
    fc.assert(
      fc.property(
        story,
        fc.integer({ min: 1, max: 500 }),
        words,
        cuts,
        (before, length, said, at) => {
          const repeated = before.slice(-length);
          const rest = ` + ${said}`;
          const isTaken = repeated.length >= 20 && repeated.length <= 400;
          expect(continued(before, cutInto(repeated + rest, at))).toBe(
            isTaken ? rest : repeated + rest,
          );
        },
      ),
    );
  });

  // Few characters, so that texts often repeat themselves, and each other.
  const babble = fc.string({ unit: fc.constantFrom("a", "b"), maxLength: 80 });
  const echo = fc.tuple(babble, fc.nat({ max: 80 }), babble).map(([before, length, rest]) => ({
    before,
    said: before.slice(before.length - Math.min(length, before.length)) + rest,
  }));

  test("the result is the same, however the continuation is cut into pieces", () => {
    fc.assert(
      fc.property(echo, cuts, ({ before, said }, at) => {
        expect(continued(before, cutInto(said, at))).toBe(continued(before, [said]));
      }),
      { numRuns: 1_000 },
    );
  });

  test("what is taken off is the end of the kept text, at least 20 characters of it", () => {
    fc.assert(
      fc.property(echo, ({ before, said }) => {
        const shown = continued(before, [said]);
        expect(said.endsWith(shown)).toBeTrue();
        const taken = said.slice(0, said.length - shown.length);
        expect(before.endsWith(taken)).toBeTrue();
        if (taken !== "") expect(taken.length).toBeGreaterThanOrEqual(20);
      }),
      { numRuns: 1_000 },
    );
  });

  test("no more than 400 characters are held back", () => {
    fc.assert(
      fc.property(story, fc.integer({ min: 1, max: 2_000 }), (before, length) => {
        const continuation = new ContinuationFilter(before);
        let [said, shown] = [0, 0];
        for (const character of before.slice(-length)) {
          said += 1;
          shown += continuation.push(character).length;
          expect(said - shown).toBeLessThanOrEqual(400);
        }
      }),
      { numRuns: 30 },
    );
  });
});
