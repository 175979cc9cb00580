// The words of a text, as the index and the queries have them.
import { fold } from "./fold.ts";

/** Scripts that are written without spaces, or whose words take endings: each pair of neighbours counts as a word. */
const unspaced =
  "\\p{sc=Han}\\p{sc=Hira}\\p{sc=Kana}\\p{sc=Hang}\\p{sc=Bopo}\\p{sc=Thai}\\p{sc=Laoo}\\p{sc=Khmr}\\p{sc=Mymr}\\u30fc";
const parts = new RegExp(
  `(?<run>[${unspaced}]+)|(?<word>[[\\p{L}\\p{N}\\p{M}]--[${unspaced}]]+)|(?<sign>\\p{RI}{2}|\\p{Extended_Pictographic})`,
  "gv",
);

/** Characters of a word that count; two longer words with the same beginning are one. */
const wordCharactersMax = 64;

/** A word at its place in a text. Offsets are those of UTF-16 in the original text. */
export interface Word {
  readonly text: string;
  /** The words of a text are numbered 1, 2, 3 …; in a run of an unspaced script each character has a number. */
  readonly position: number;
  readonly start: number;
  readonly end: number;
  /** `rest`: the last character of a longer run, which begins no pair; `single`: a run of one character. */
  readonly kind: "word" | "pair" | "rest" | "single";
  /** The end of the first `length` units of `text`, so that a part of the word can be shown. */
  readonly endOf: (length: number) => number;
}

const ascii = /^[\0-\x7f]*$/;
const asciiWords = /[a-z0-9]+/g;

/** Calls `visit` with each word of a text and its position, until it returns false: {@link eachWord} without the offsets. */
export function eachIndexed(
  text: string,
  visit: (word: string, position: number) => boolean,
): void {
  if (!ascii.test(text)) {
    return eachWord(text, (word) => visit(word.text, word.position));
  }
  // Most texts are of this kind, and each of them is indexed: it takes a fifth of the time.
  let position = 0;
  for (const word of text.toLowerCase().match(asciiWords) ?? []) {
    position += 1;
    if (!visit(word.length > wordCharactersMax ? firstCharacters(word) : word, position)) return;
  }
}

/** Calls `visit` with each word of a text, until it returns false. */
export function eachWord(text: string, visit: (word: Word) => boolean | void): void {
  const folded = fold(text);
  const startAt = (index: number) => folded.starts?.[index] ?? index;
  const endAt = (index: number) => folded.ends?.[index - 1] ?? index;
  let position = 0;
  const word = (shown: string, from: number, to: number, kind: Word["kind"] = "word"): Word => {
    position += 1;
    return {
      text: shown,
      position,
      start: startAt(from),
      end: endAt(to),
      kind,
      endOf: (length) => endAt(from + length),
    };
  };
  for (const { 0: part, index, groups } of folded.text.matchAll(parts)) {
    if (groups?.run === undefined) {
      const shown = part.length > wordCharactersMax ? firstCharacters(part) : part;
      if (visit(word(shown, index, index + part.length)) === false) return;
      continue;
    }
    const characters = [...part];
    let from = index;
    for (const [n, character] of characters.entries()) {
      const next = characters[n + 1];
      const shown = character + (next ?? "");
      const kind = next !== undefined ? "pair" : n > 0 ? "rest" : "single";
      if (visit(word(shown, from, from + shown.length, kind)) === false) return;
      from += character.length;
    }
  }
}

function firstCharacters(word: string): string {
  return [...word].slice(0, wordCharactersMax).join("");
}

/** The words of a text in their order. */
export function wordsOf(text: string): Word[] {
  const words: Word[] = [];
  eachWord(text, (word) => void words.push(word));
  return words;
}
