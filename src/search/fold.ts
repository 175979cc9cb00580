// Texts without regard to case, accents and forms of characters, with the way back to the original text.

/**
 * Units that are folded by themselves: a character with its marks. Conjoining jamo of Korean make syllables together, and so do
 * half-width kana with their sound marks.
 */
const unit =
  /[\u1100-\u11ff\ua960-\ua97f\ud7b0-\ud7ff]+|\P{M}[\p{M}\u200c\u200d\uff9e\uff9f]*|\p{M}+/gu;

/** Accents of Latin, Greek and Cyrillic, vowel points of Hebrew and Arabic, and characters that are not seen. */
const ignored =
  /[\u0300-\u036f\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f\u0591-\u05bd\u05bf-\u05c7\u064b-\u065f\u0670\u0640\p{Cf}\p{Variation_Selector}]/gu;

/** Letters whose accents Unicode does not take apart, as PostgreSQL's `unaccent` writes them. */
const letters = new Map([
  ["ß", "ss"],
  ["æ", "ae"],
  ["œ", "oe"],
  ["ø", "o"],
  ["đ", "d"],
  ["ð", "d"],
  ["ħ", "h"],
  ["ı", "i"],
  ["ł", "l"],
  ["ŋ", "n"],
  ["þ", "th"],
  ["ŧ", "t"],
  ["ς", "σ"],
]);
const accented = new RegExp(`[${[...letters.keys()].join("")}]`, "gu");

const ascii = /^[\0-\x7f]*$/;

/** A folded text. */
export interface Folded {
  readonly text: string;
  /** For each UTF-16 unit of `text` the original unit's beginning; undefined if all offsets are the same. */
  readonly starts: readonly number[] | undefined;
  /** For each UTF-16 unit of `text` the original unit's end; undefined if all offsets are the same. */
  readonly ends: readonly number[] | undefined;
}

/** Folds a text: `Ångström` and `ANGSTROM` become equal, `Straße` and `STRASSE`, `ﬁ` and `fi`, `Ａ` and `a`. */
export function fold(text: string): Folded {
  if (ascii.test(text)) return { text: text.toLowerCase(), starts: undefined, ends: undefined };
  let folded = "";
  const starts: number[] = [];
  const ends: number[] = [];
  const known = new Map<string, string>();
  for (const { 0: part, index } of text.matchAll(unit)) {
    folded += known.getOrInsertComputed(part, foldUnit);
    while (starts.length < folded.length) {
      starts.push(index);
      ends.push(index + part.length);
    }
  }
  return { text: folded, starts, ends };
}

function foldUnit(part: string): string {
  if (part.length === 1 && part < "\x80") return part.toLowerCase();
  return (
    part
      .normalize("NFKD")
      .replace(ignored, "")
      // In this order, ẞ and ß become one, and the Turkish capital İ has lost its dot before.
      .toLowerCase()
      .replace(accented, (letter) => letters.get(letter) ?? letter)
      .normalize("NFC")
  );
}
