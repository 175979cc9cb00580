// Addresses in running text become links. GitHub's rules end an address at a space, and Chinese, Japanese and Korean text
// has none: `https://example.com。次の文` would be one address.
import type { MarkedExtension, Tokens } from "marked";
import { cjk } from "./cjk.ts";

const neverInside = '\\s<>"`';
/** Punctuation and symbols other than ASCII, full-width forms, and invisible characters that change directions. */
const ends = `(?![\\x00-\\x7f・·‐–\\u200c\\u200d])[\\p{P}\\p{S}\\p{Cf}\\uff00-\\uffef]`;
/** Names of hosts have no CJK characters here: `https://example.comを` ends before the last character. */
const host = `(?!${cjk})[\\p{L}\\p{N}](?:(?!${ends}|${cjk})[^${neverInside}/?#])*`;
/** `/wiki/日本` is one path; in `/pathを` the sentence goes on. */
const path = `[/?#](?:(?!${ends}|(?<=[a-zA-Z0-9])${cjk})[^${neverInside}])*`;
const address = new RegExp(`^(?:https?://|www\\.)${host}(?:${path})?`, "iu");
const withScheme = /^(?:(?:https?|ftp):\/\/|www\.)/i;

const openers: Record<string, string> = { ")": "(", "]": "[", "}": "{" };
const punctuation = "?!.,:;*_~'";

function count(text: string, character: string): number {
  return text.split(character).length - 1;
}

/** Removes the sentence's punctuation from the end, and closing brackets that are opened outside of the address. */
function trimmed(text: string): string {
  const surplus = new Map(
    Object.entries(openers).map(([close, open]) => [close, count(text, close) - count(text, open)]),
  );
  let end = text.length;
  for (;;) {
    const last = text.charAt(end - 1);
    const unopened = surplus.get(last) ?? 0;
    if (last !== "" && punctuation.includes(last)) {
      const entity = last === ";" ? /&[a-z0-9]{1,31};$/i.exec(text.slice(0, end).slice(-33)) : null;
      end -= entity ? entity[0].length : 1;
    } else if (unopened > 0) {
      surplus.set(last, unopened - 1);
      end -= 1;
    } else return text.slice(0, end);
  }
}

function linkTo(text: string): Tokens.Link {
  return {
    type: "link",
    raw: text,
    text,
    href: /^www\./i.test(text) ? `http://${text}` : text,
    autolink: true,
    tokens: [{ type: "text", raw: text, text }],
  };
}

export const autolinks: MarkedExtension = {
  tokenizer: {
    url(src): Tokens.Link | undefined | false {
      // The other matches are e-mail addresses, which are ASCII.
      if (!withScheme.test(src)) return false;
      const [found = ""] = address.exec(src) ?? [];
      const text = trimmed(found);
      return address.test(text) ? linkTo(text) : undefined;
    },
  },
};
