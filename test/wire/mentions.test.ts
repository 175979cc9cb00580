// The parts of a text that count as mentions.
import { describe, expect, test } from "bun:test";
import { isReservedUsername, mentionsIn, mentionsMax } from "../../src/wire/mentions.ts";

/** The longest name of each mention. */
const names = (text: string) => mentionsIn(text).map(([longest]) => longest);

describe("a mention", () => {
  test.each<[text: string, ...names: string[]]>([
    ["@ann", "ann"],
    ["Hello @Ann and @BEN!", "ann", "ben"],
    ["(@ann), \"@ben\"; '@cleo'", "ann", "ben", "cleo"],
    ["@ann's turn, @ben: yours", "ann", "ben"],
    ["**@ann** ~~@ben~~ _@cleo_", "ann", "ben", "cleo_"],
    ["@ann,@ben/@cleo", "ann", "ben", "cleo"],
    ["thanks.@ann", "ann"],
    ["--@ann—really", "ann"],
    ["@a.b-c_d", "a.b-c_d"],
    ["你好@ann看看 ありがとう@benさん", "ann", "ben"],
    ["@ann님, 오늘@ben에게 @cleo과", "ann", "ben", "cleo"],
    ["@ann @ann @ANN", "ann"],
    ["see [@ann](https://example.com/@ben)", "ann"],
    [`@${"a".repeat(32)}`, "a".repeat(32)],
    ["@all @Gemini", "all", "gemini"],
  ])("is found in %j", (text, ...expected) => {
    expect(names(text)).toEqual(expected);
  });

  test.each([
    "",
    "@",
    "@ ann",
    "ann",
    "a@b",
    "ann@example.com, a.b_c+d-@example.com, é@example.com",
    "@@ann",
    "@ann@example.com",
    String.raw`\@ann`,
    "https://example.com/@ann and example.com/@ann",
    "@josé @ännchen",
    "@a",
    `@${"a".repeat(33)}`,
    "＠ann",
  ])("is not found in %j", (text) => {
    expect(names(text)).toEqual([]);
  });

  test("may end with the punctuation of its sentence or of its name", () => {
    expect(mentionsIn("@ann... @B-_ @..")).toEqual([
      ["ann...", "ann..", "ann.", "ann"],
      ["b-_", "b-"],
      [".."],
    ]);
    const long = "a".repeat(31);
    expect(mentionsIn(`@${long}...`)).toEqual([[`${long}.`, long]]);
  });

  test(`counts for the first ${mentionsMax} different names`, () => {
    const text = Array.from({ length: mentionsMax + 1 }, (_, index) => `@user${index}`).join(" ");
    expect(names(text)).toHaveLength(mentionsMax);
    expect(names(text).at(-1)).toBe(`user${mentionsMax - 1}`);
  });
});

describe("code", () => {
  test.each<[text: string, ...names: string[]]>([
    ["`@ann` @ben", "ben"],
    ["``a ` @ann`` @ben", "ben"],
    ["`a\n@ann` @ben", "ben"],
    ["```\n@ann\n```\n@ben", "ben"],
    ["```js\r\n@ann\r\n```\r\n@ben", "ben"],
    ["~~~ @ann\n```\n@ann\n~~~~\n@ben", "ben"],
    ["- ```\n  @ann\n  ```\n- @ben", "ben"],
    ["> ```\n> @ann\n\n@ben", "ben"],
    ["````\n```\n@ann\n````\n@ben", "ben"],
    ["```\n@ann"],
    ["```@ann```"],
  ])("mentions nobody: %j", (text, ...expected) => {
    expect(names(text)).toEqual(expected);
  });

  test.each<[text: string, ...names: string[]]>([
    ["a ` @ann", "ann"],
    ["`a\n\n@ann`", "ann"],
    [String.raw`\`@ann\``, "ann"],
    ["``@ann`", "ann"],
    ["`a`@ann", "ann"],
    ["    @ann", "ann"],
  ])("is not what only resembles it: %j", (text, ...expected) => {
    expect(names(text)).toEqual(expected);
  });
});

test("texts that are made to be slow are read in a time that grows with their length only", () => {
  // A text of twice the length takes about twice as long: with a quadratic search these would take minutes.
  for (const piece of ["@a", "`", "` ``", "@a_", "_@", "\\`", "@.", " >", "+_@", "a.a/", "://@"]) {
    expect(mentionsIn(`${piece.repeat(400_000)} @ann`).length).toBeLessThanOrEqual(2);
  }
});

test("names whose mention means something else are reserved", () => {
  for (const name of ["Gemini", "gemini.", "ALL", "all-_."]) {
    expect(isReservedUsername(name)).toBeTrue();
  }
  for (const name of ["gemini2", "small", "all.in", ".all", "..", "_"]) {
    expect(isReservedUsername(name)).toBeFalse();
  }
});
