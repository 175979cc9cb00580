// Emphasis beside Chinese, Japanese and Korean punctuation. CommonMark wants a space or punctuation on the other side of a
// delimiter that touches punctuation, and CJK text has no spaces: `は**「重要」**な` would show its asterisks. The rule here
// is that of https://github.com/tats-u/markdown-cjk-friendly: CJK punctuation counts as letters, and so does other
// punctuation when there is a CJK character on the other side of the delimiter. Other text is read as CommonMark says.
//
// The package marked-cjk-friendly replaces marked's algorithm by a copy that reads text without CJK characters differently
// (`a*xa**(`). Here, marked's own algorithm is shown other neighbours of the delimiters.
import { Tokenizer, type MarkedExtension, type Tokens } from "marked";
import { cjk, hasCjk } from "./cjk.ts";

const delimiters = /\*+|~~+/gu;
const punctuation = /^[\p{P}\p{S}]$/u;

/** The last whole character of a text, which may be two UTF-16 units. */
function lastCharacter(text: string): string {
  return [...text.slice(-2)].at(-1) ?? "";
}

function firstCharacter(text: string): string {
  return [...text.slice(0, 2)][0] ?? "";
}

/**
 * The text that marked looks for closing delimiters in. Punctuation beside a delimiter becomes letters where a CJK
 * character is on either side of it. The length stays the same.
 */
export function maskCjkPunctuation(masked: string): string {
  if (!hasCjk(masked)) return masked;
  let result = "";
  let end = 0;
  for (const { 0: run, index } of masked.matchAll(delimiters)) {
    const before = lastCharacter(masked.slice(Math.max(end, index - 2), index));
    const after = firstCharacter(masked.slice(index + run.length, index + run.length + 2));
    if (!hasCjk(before + after)) continue;
    const start = punctuation.test(before) ? index - before.length : index;
    const stop = index + run.length + (punctuation.test(after) ? after.length : 0);
    result += masked.slice(end, start) + "a".repeat(index - start) + run;
    result += "a".repeat(stop - index - run.length);
    end = stop;
  }
  return result + masked.slice(end);
}

const opening = new RegExp(`^(\\*+|~~)(?:${cjk}|[\\p{P}\\p{S}])`, "u");

/** Whether an opening delimiter counts as one only because of a CJK character beside it. */
function opensBesideCjk(src: string, maskedSrc: string, prevChar: string): boolean {
  const run = opening.exec(src);
  if (!run || prevChar === src.charAt(0)) return false;
  const before = lastCharacter(maskedSrc.slice(0, maskedSrc.length - src.length));
  return hasCjk(before + firstCharacter(src.slice(run[1]?.length)));
}

export const cjkEmphasis: MarkedExtension = {
  tokenizer: {
    emStrong(src, maskedSrc, prevChar = ""): Tokens.Em | Tokens.Strong | undefined | false {
      if (!opensBesideCjk(src, maskedSrc, prevChar)) return false;
      // As at the beginning of a line, where any delimiter opens.
      return Tokenizer.prototype.emStrong.call(this, src, maskedSrc, "");
    },
    /** GitHub strikes text out between single tildes, too. Here they are for ranges: `3~5`. */
    del(src, maskedSrc, prevChar = ""): Tokens.Del | undefined | false {
      if (!/^~~(?!~)/.test(src)) return undefined;
      if (!opensBesideCjk(src, maskedSrc, prevChar)) return false;
      return Tokenizer.prototype.del.call(this, src, maskedSrc, "");
    },
  },
};
