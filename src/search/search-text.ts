// The text of a search: words, phrases and exclusions.
import { wordsOf, type Word } from "./words.ts";

/** A word of the query, with its distance to the word before it in the same term. */
export interface TermWord {
  readonly text: string;
  readonly distance: number;
  /** Whether words that begin with the text match, too. */
  readonly isPrefix: boolean;
}

/** Words that follow each other: one word, a phrase, or a text such as `e-mail` or `検索`, of which the index has several words. */
export interface Term {
  readonly words: readonly TermWord[];
  readonly isExcluded: boolean;
}

/** Quotation marks that phones and word processors type for `"`. */
const quotes = /[\u201c-\u201f\uff02\u00ab\u00bb]/g;
const termPattern = /(?<minus>-?)(?:"(?<phrase>[^"]*)(?<close>"?)|(?<bare>[^\s"]+))/gu;

/** Parses the text of a search. Terms without a letter, a digit or an emoji are left out. */
export function parseSearchText(text: string): Term[] {
  const terms: Term[] = [];
  const matches = [...text.replace(quotes, '"').matchAll(termPattern)];
  for (const [n, { groups = {} }] of matches.entries()) {
    const { minus, phrase, close, bare } = groups;
    const isExcluded = minus === "-";
    // The last word may not be finished yet, also in a phrase that is still open.
    const isOpen = n === matches.length - 1 && close !== '"' && !isExcluded;
    const words = termWords(wordsOf(phrase ?? bare ?? ""), isOpen);
    if (words.length > 0) terms.push({ words, isExcluded });
  }
  return terms;
}

function termWords(words: Word[], isOpen: boolean): TermWord[] {
  // The last character of a run is in the pair before it.
  const kept = words.filter(({ kind }) => kind !== "rest");
  return kept.map((word, n) => ({
    text: word.text,
    distance: word.position - (kept[n - 1]?.position ?? word.position),
    isPrefix: word.kind === "single" || (isOpen && n === kept.length - 1),
  }));
}
