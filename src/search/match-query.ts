// The tsquery of a search.
import type { Term, TermWord } from "./search-text.ts";

/** Stands for the id of the chat, which begins each word of the index. */
const chatPlace = "$";

/** The word of the index for messages of an author. No word of a text begins with its sign. */
export const authorWord = (userId: number | "bot") => `@${userId}`;
/** The word of the index for messages that have something. */
export const featureWord = (feature: string) => `#${feature}`;

export interface Filters {
  /** The author's id. */
  readonly from: number | "bot" | undefined;
  readonly has: string | undefined;
}

/** A tsquery in which {@link chatPlace} is to be replaced by the id of a chat. */
export function matchQuery(terms: readonly Term[], { from, has }: Filters): string {
  const parts = terms.map(({ words, isExcluded }) => `${isExcluded ? "!" : ""}(${phrase(words)})`);
  if (from !== undefined) parts.push(lexeme(authorWord(from)));
  if (has !== undefined) parts.push(lexeme(featureWord(has)));
  return parts.join(" & ");
}

// Words have letters, digits, marks and emoji only: nothing in them needs to be quoted further.
const lexeme = (word: string) => `'${chatPlace}:${word}'`;

function phrase(words: readonly TermWord[]): string {
  let text = "";
  for (const { text: word, distance, isPrefix } of words) {
    if (text !== "") text += ` <${distance}> `;
    text += lexeme(word) + (isPrefix ? ":*" : "");
  }
  return text;
}
