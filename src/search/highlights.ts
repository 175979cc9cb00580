// The parts of a message that a search has found.
import type { Highlight } from "../wire/search.ts";
import type { Term, TermWord } from "./search-text.ts";
import { wordsOf, type Word } from "./words.ts";

/** The most parts of a text that are shown. */
const highlightsMax = 100;

/** The parts of a text that the terms of a search match, in order and apart from each other. */
export function highlightsOf(content: string, terms: readonly Term[]): Highlight[] {
  const wanted = terms.filter(({ isExcluded }) => !isExcluded);
  if (wanted.length === 0) return [];
  const words = wordsOf(content);
  const found: Highlight[] = [];
  for (const [n, word] of words.entries()) {
    for (const term of wanted) {
      const end = endOfMatch(words, n, term.words);
      if (end !== undefined) found.push({ start: word.start, end });
    }
  }
  return merged(found.sort((a, b) => a.start - b.start || a.end - b.end)).slice(0, highlightsMax);
}

/** The end of a term that begins with the n-th word; undefined if it doesn't. Positions of words have no gaps. */
function endOfMatch(words: readonly Word[], n: number, term: readonly TermWord[]) {
  let at = n;
  let end: number | undefined;
  for (const { text, distance, isPrefix } of term) {
    at += distance;
    const word = words[at];
    if (!word || !(isPrefix ? word.text.startsWith(text) : word.text === text)) return undefined;
    end = word.text === text ? word.end : word.endOf(text.length);
  }
  return end;
}

function merged(sorted: readonly Highlight[]): Highlight[] {
  const apart: Highlight[] = [];
  for (const { start, end } of sorted) {
    const last = apart.at(-1);
    if (last && start < last.end) last.end = Math.max(last.end, end);
    else apart.push({ start, end });
  }
  return apart;
}
