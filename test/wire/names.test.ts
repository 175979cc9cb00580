// The display names that are accepted, and the form in which they are stored.
import { expect, test } from "bun:test";
import { Bio, DisplayName } from "../../src/wire/names.ts";

test.each([
  ["Jane Doe", "Jane Doe"],
  ["  Jane \u3000 Doe\u00a0", "Jane Doe"],
  ["Zoe\u0308", "Zoë"],
  ["O'Brien-Núñez, Jr.", "O'Brien-Núñez, Jr."],
  ["田中太郎", "田中太郎"],
  ["葛\u{e0100}城", "葛\u{e0100}城"],
  ["김민수", "김민수"],
  ["नरेन्द्र", "नरेन्द्र"],
  ["می\u200cخواهم", "می\u200cخواهم"],
  ["ശ്രീ ജോണ്\u200d", "ശ്രീ ജോണ്\u200d"],
  ["ශ්\u200dරී", "ශ්\u200dරී"],
  ["שָׁלוֹם", "שָׁלוֹם"],
  ["مُحَمَّد", "مُحَمَّد"],
  ["👩\u200d🔬 ❤\ufe0f 1\ufe0f⃣ 🇩🇪", "👩\u200d🔬 ❤\ufe0f 1\ufe0f⃣ 🇩🇪"],
  [
    "🏴\u{e0067}\u{e0062}\u{e0065}\u{e006e}\u{e0067}\u{e007f}",
    "🏴\u{e0067}\u{e0062}\u{e0065}\u{e006e}\u{e0067}\u{e007f}",
  ],
  ["😀".repeat(50), "😀".repeat(50)],
])("%j is a display name", (name, stored) => {
  expect(DisplayName.parse(name)).toBe(stored);
});

test.each([
  "",
  " \t\n ",
  "x".repeat(51),
  // Controls of the direction.
  "a\u202eb",
  "a\u2066b\u2069",
  "\u200ex",
  "a\u061cb",
  // Invisible characters, fillers and blanks.
  "a\u200bb",
  "a\u00adb",
  "a\u2060b",
  "a\u034fb",
  "\u115f",
  "\u1160",
  "\u3164",
  "\uffa0",
  "\u2800",
  "a\u{e0041}b",
  "a\ufe0f",
  // Joiners where no script needs them.
  "\u200d",
  "a\u200db",
  "a\u200cb",
  "می\u200c",
  "👩\u200d",
  // Controls, line breaks, private and unassigned characters.
  "a\u0007b",
  "a\nb",
  "a\u2028b",
  "\ue000",
  "\u0378",
  "\u0000",
  "\ud800",
  // Marks without a letter, and piles of them.
  "\u0301",
  "\u0301a",
  `a${"\u0335\u0336".repeat(4)}`,
])("%j is refused", (name) => {
  expect(DisplayName.safeParse(name).success).toBe(false);
});

test("a bio keeps its lines, and a blank one is none", () => {
  expect(Bio.parse(" a\r\nb\rc ")).toBe("a\nb\nc");
  expect(Bio.parse(" \n ")).toBeNull();
  expect(Bio.safeParse("x".repeat(501)).success).toBe(false);
});
