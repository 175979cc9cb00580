// The comparison of names without regard to case and accents, as the server's search does it (accounts/name-search.ts, which is not
// for browsers).

/** Letters that have no decomposition. */
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

export function folded(text: string): string {
  return text
    .normalize("NFKD")
    .toLowerCase()
    .replaceAll(/(?![\u3099\u309a])\p{Script=Inherited}/gu, "")
    .replaceAll(/[ßæœøđðþłħı]/g, (letter) => substitutes[letter] ?? letter);
}
