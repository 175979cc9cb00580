// The form of names in which a search compares them: without accents, without regard to case, and with single spaces between words.
import { foldCase } from "../wire/folding.ts";

/** Characters of a part. What a name has beyond it is not searched. */
const partMax = 64;
/** The most words that are searched for. A name of 50 characters has fewer. */
const partsMax = 50;

const apostrophes = /['’ʼ]/g;
const formats = /\p{Cf}/gu;
const separators = /[\s\p{P}\p{Z}\p{C}]+/gu;
/** A word of these scripts begins at every character, because spaces don't separate them. */
const unspaced = /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}]/u;

/** Folds a name, or a part of one that is looked for; empty if nothing is left that a search could find. */
export function foldName(name: string): string {
  const folded = foldCase(name)
    .replaceAll(apostrophes, "")
    .replaceAll(formats, "")
    .replaceAll(separators, " ")
    .trim();
  return Array.from(folded).slice(0, partMax).join("");
}

/** The texts with which a search for a name may begin: the folded name from each of its words on. */
export function namePartsOf(name: string): string[] {
  const characters = Array.from(foldName(name));
  const parts = new Set<string>();
  for (const [at, character] of characters.entries()) {
    const isBeginning = at === 0 || characters[at - 1] === " " || unspaced.test(character);
    if (isBeginning && character !== " ") parts.add(characters.slice(at).join(""));
    if (parts.size === partsMax) break;
  }
  return [...parts];
}
