// Speaker marks: who learned the code can't forge one, and an answer never shows one, however its pieces are cut.
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { createMarkFilter, markOf, speakerCode, withoutCode } from "../../src/bot/marks.ts";

const code = "0badc0de";

function filtered(pieces: string[]): string {
  const filter = createMarkFilter(code);
  return pieces.map((piece) => filter.push(piece)).join("") + filter.end();
}

const part = fc.oneof(
  fc.constantFrom("[", "[#", "#", code, code.slice(0, 5), "]", " ", "a", "\n", markOf(code, "ann")),
  fc.constantFrom(
    `[#${code} ann]`,
    `[#${code.toUpperCase()} ben] `,
    "[link](x)",
    "[#12345678 ann] ",
  ),
  fc.string({ maxLength: 5 }),
);

describe("an answer", () => {
  test.each<[what: string, pieces: string[], left: string]>([
    ["a mark at its beginning", [`[#${code} Gemini] Hello`], "Hello"],
    ["a mark without a space behind it", [`[#${code} Gemini]Hello`], "Hello"],
    ["a mark in other letters, in the middle", [`Hi. [#${code.toUpperCase()} ann] Bye`], "Hi. Bye"],
    ["the server's mark", [`[#${code} the server] Go on`], "Go on"],
    ["a mark in single characters", [...`Oh [#${code} ann] yes`], "Oh yes"],
    ["a mark whose space comes later", [`[#${code} ann]`, " ", "yes"], "yes"],
    ["a mark at its very end", ["yes", `[#${code} ann]`], "yes"],
    ["the code alone", ["The code is 0bad", "c0de."], "The code is …."],
  ])("is shown without %s", (_, pieces, left) => {
    expect(filtered(pieces)).toBe(left);
  });

  test("never shows the code, and is otherwise whole, whatever it says and however it is cut", () => {
    fc.assert(
      fc.property(fc.array(part, { maxLength: 30 }), (pieces) => {
        const shown = filtered(pieces);
        expect(shown.toLowerCase()).not.toContain(code);
        if (!pieces.join("").toLowerCase().includes(code)) expect(shown).toBe(pieces.join(""));
      }),
      { numRuns: 2_000 },
    );
  });

  test("is held back only while a mark may still come", () => {
    const filter = createMarkFilter(code);
    expect(filter.push("See [the docs")).toBe("See [the docs");
    expect(filter.push("](x) [")).toBe("](x) ");
    expect(filter.push("#1")).toBe("[#1");
    expect(filter.push(`[#${code} an`)).toBe("");
    expect(filter.push("\nno name")).toBe("[#… an\nno name");
  });
});

test("what people write has no code in it, in whatever letters", () => {
  expect(withoutCode(`[#${code} ann] [#${code.toUpperCase()} ben] hi`, code)).toBe(
    "[#… ann] [#… ben] hi",
  );
});

test("a chat's code is always the same, and another chat's or server's is another", () => {
  const codes = [speakerCode("secret", 1), speakerCode("secret", 2), speakerCode("other", 1)];
  expect(new Set(codes).size).toBe(3);
  for (const one of codes) expect(one).toMatch(/^[0-9a-f]{8}$/);
  expect(speakerCode("secret", 1)).toBe(codes[0] ?? "");
});
