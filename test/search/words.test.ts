import { describe, expect, test } from "bun:test";
import { entryWords } from "../../src/search/entry-words.ts";
import { fold } from "../../src/search/fold.ts";
import { highlightsOf } from "../../src/search/highlights.ts";
import { parseSearchText } from "../../src/search/search-text.ts";
import { eachIndexed, wordsOf } from "../../src/search/words.ts";

const words = (text: string) => wordsOf(text).map((word) => word.text);
const marked = (text: string, query: string) =>
  highlightsOf(text, parseSearchText(query)).map(({ start, end }) => text.slice(start, end));

describe("folding", () => {
  test("makes texts equal that differ in case, accents and forms of characters only", () => {
    const same = [
      ["Ångström", "ANGSTROM", "a\u030angstro\u0308m"],
      ["Straße", "STRASSE", "strasse"],
      ["ŁÓDŹ", "lodz"],
      ["ﬁnd", "find"],
      ["Ｈｅｌｌｏ", "hello"],
      ["İstanbul", "istanbul", "ISTANBUL"],
      ["ΟΔΟΣ", "οδός", "οδοσ"],
      ["ｶﾞ", "ガ", "カ\u3099"],
      ["한국", "\u1112\u1161\u11ab\u1100\u116e\u11a8"],
      ["مُحَمَّد", "محمد"],
      ["co\u00adop", "coop"],
      ["Œuvre Ærø", "oeuvre aero"],
    ];
    for (const texts of same) {
      expect([texts[0], new Set(texts.map((text) => fold(text).text)).size]).toEqual([texts[0], 1]);
    }
  });

  test("keeps texts apart that differ in more than that", () => {
    const different = ["か", "が", "は", "ば", "ぱ", "и", "н", "क", "कि"];
    expect(new Set(different.map((text) => fold(text).text)).size).toBe(different.length);
  });
});

describe("the words of a text", () => {
  test("are letters and digits between anything else", () => {
    expect(words("Don't e-mail user_name@example.com, v2.0!")).toEqual([
      ..."don t e mail user name example com v2 0".split(" "),
    ]);
    expect(words(" \n…—  ")).toEqual([]);
  });

  test("are pairs of neighbours where a script has no spaces, also beyond the basic plane", () => {
    expect(words("全文検索engine")).toEqual(["全文", "文検", "検索", "索", "engine"]);
    expect(words("𠮷野家")).toEqual(["𠮷野", "野家", "家"]);
    expect(words("한국어")).toEqual(["한국", "국어", "어"]);
  });

  test("have emoji and flags among them", () => {
    expect(words("Hi 🎉🇩🇪!")).toEqual(["hi", "🎉", "🇩🇪"]);
  });

  test("are the same for the index as for the parts that are shown", () => {
    const texts = [
      "Don't e-mail user_name@example.com, v2.0!\n\t42",
      `${"x".repeat(100)} y`,
      Array.from({ length: 128 }, (_, code) => `a${String.fromCharCode(code)}b`).join(""),
      "全文検索 Größe 🎉",
      "",
    ];
    for (const text of texts) {
      const indexed: string[] = [];
      eachIndexed(text, (word, position) => indexed.push(`${word} ${position}`) > 0);
      expect(indexed).toEqual(wordsOf(text).map((word) => `${word.text} ${word.position}`));
    }
  });

  test("of any text fit into a tsvector", () => {
    const long = Array.from({ length: 100_000 }, (_, n) =>
      String.fromCodePoint(0x4e00 + ((n * 7919) % 20_000)),
    ).join("");
    const text = entryWords({
      chatId: Number.MAX_SAFE_INTEGER,
      userId: 1,
      isBot: false,
      content: long,
    });
    // PostgreSQL counts the words, without quotes, and their positions.
    expect(text.length).toBeLessThan(3_000_000);
    expect(entryWords({ chatId: 1, userId: 2, isBot: false, content: "a' b\\ c:1 | (d)" })).toBe(
      "'1:@2' '1:a':1 '1:b':2 '1:c':3 '1:1':4 '1:d':5",
    );
  });
});

describe("the text of a search", () => {
  const parsed = (text: string) =>
    parseSearchText(text).map(
      ({ words, isExcluded }) =>
        (isExcluded ? "-" : "") +
        words.map(({ text: word, isPrefix }) => word + (isPrefix ? "*" : "")).join("+"),
    );

  test("is words, phrases and exclusions, of which the last word may be unfinished", () => {
    expect(parsed('hello "new york" -bar wor')).toEqual(["hello", "new+york", "-bar", "wor*"]);
    expect(parsed("hello world ")).toEqual(["hello", "world*"]);
    expect(parsed('say "new yor')).toEqual(["say", "new+yor*"]);
    expect(parsed('"new york"')).toEqual(["new+york"]);
    expect(parsed("“new york”")).toEqual(["new+york"]);
    expect(parsed('-"a b" c')).toEqual(["-a+b", "c*"]);
    expect(parsed("e-mail x")).toEqual(["e+mail", "x*"]);
    expect(parsed("検索 中 -全文検索")).toEqual(["検索", "中*", "-全文+文検+検索"]);
  });

  test("without a word is no term", () => {
    for (const text of ["", " ", "-", '""', '"', "!!!", "- - -", '-"" …']) {
      expect([text, parsed(text)]).toEqual([text, []]);
    }
  });
});

describe("highlights", () => {
  test("are offsets in UTF-16 of the original text, whatever folding does to its length", () => {
    expect(marked("🎉 Die Straße, die STRASSE", "strasse")).toEqual(["Straße", "STRASSE"]);
    expect(marked("a\u030angstro\u0308m ﬁnal", '"ångström" final')).toEqual([
      "a\u030angstro\u0308m",
      "ﬁnal",
    ]);
    expect(highlightsOf("𠮷🎉𠮷野家", parseSearchText("野家"))).toEqual([{ start: 6, end: 8 }]);
  });

  test("are the matching part of a longer word, and whole phrases", () => {
    expect(marked("Sky, skylight", "sky")).toEqual(["Sky", "sky"]);
    expect(marked("New   York, New Jersey", '"new york"')).toEqual(["New   York"]);
    expect(marked("write an e-mail", "e-ma")).toEqual(["e-ma"]);
    expect(marked("全文検索と検索", "検索")).toEqual(["検索", "検索"]);
    expect(marked("全文検索", "文検索")).toEqual(["文検索"]);
    expect(marked("一二", "二")).toEqual(["二"]);
  });

  test("are apart from each other, and leave out excluded words", () => {
    expect(marked("全文検索", "全文検 文検索")).toEqual(["全文検索"]);
    expect(marked("one two", "one -two")).toEqual(["one"]);
    expect(highlightsOf("x ".repeat(1_000), parseSearchText("x"))).toHaveLength(100);
  });
});
