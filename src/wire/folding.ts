// The comparison of texts without regard to case and accents, by the server and by the page. This file imports nothing, so that the
// page can have it.

/** Letters that have no decomposition, and are looked for by those that people type in their place. */
const substitutes: Record<string, string> = {
  ß: "ss",
  æ: "ae",
  œ: "oe",
  ø: "o",
  đ: "d",
  ð: "d",
  þ: "th",
  ł: "l",
  ħ: "h",
  ı: "i",
};

/** Accents, and the points of Arabic and Hebrew. Vowel signs of Indic scripts, and the marks of kana, are letters to their readers. */
const accents = /[[[\p{Script=Inherited}\p{Script=Hebrew}]&&\p{Mn}]--[\u3099\u309a]]/gv;

/** Folds case and accents of a text, and leaves its other characters as they are. */
export function foldCase(text: string): string {
  return text
    .normalize("NFKD")
    .toLowerCase()
    .replaceAll(accents, "")
    .replaceAll(/[ßæœøđðþłħı]/g, (letter) => substitutes[letter] ?? letter)
    .normalize("NFC");
}
