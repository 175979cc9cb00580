// The form of a mention in a text. The page finds mentions by it, too: this file imports nothing.

/**
 * A letter or digit that can be part of a word beside a mention. Scripts that are written without spaces between words are
 * left out, because a mention may stand anywhere in them, and so is Korean, whose particles follow a name without a space.
 */
const wordCharacter = String.raw`[[\p{L}\p{M}\p{N}]--[\p{scx=Han}\p{scx=Hira}\p{scx=Kana}\p{scx=Hang}\p{scx=Thai}\p{scx=Laoo}\p{scx=Khmr}\p{scx=Mymr}]]`;

/** `@` and a name, which is the first group; `.`, `-` and `_` at its end may belong to the sentence. For `matchAll` only. */
export const mentionPattern = new RegExp(
  String.raw`(?<!${wordCharacter}[_+\-]*|[@\\])@([\w.\-]+)(?!${wordCharacter}|@)`,
  "gv",
);
