// Characters of Chinese, Japanese and Korean text, which has no spaces between words: rules of Markdown that look for a
// space or for punctuation beside a delimiter need exceptions there.

/** Letters and punctuation, as the inside of a character class of a regular expression with the flag `u`. */
const cjkCharacters =
  "\\u1100-\\u11ff\\u2e80-\\ua4cf\\ua960-\\ua97f\\uac00-\\ud7ff\\uf900-\\ufaff\\ufe10-\\ufe1f\\ufe30-\\ufe6f" +
  "\\uff00-\\uffef\\u{1aff0}-\\u{1b16f}\\u{1f200}-\\u{1f2ff}\\u{20000}-\\u{3fffd}\\u{e0100}-\\u{e01ef}";

export const cjk = `[${cjkCharacters}]`;

const anyCjk = new RegExp(cjk, "u");

/** Whether there is a Chinese, Japanese or Korean character in a text. */
export function hasCjk(text: string): boolean {
  return anyCjk.test(text);
}
