// Speaker labels: the server writes one before every message of a person in a prompt, so that the model knows who speaks.
// A label is genuine only with the code of its chat, which nobody in the room may know. In case somebody learns the code
// all the same, it is removed from people's texts. It is removed from answers too, since models copy what they see.
import type { TextFilter } from "./text-filter.ts";

const replacement = "…";
/** A name has 32 at most; a model may write several names into one label. */
const nameCharactersMax = 80;

/**
 * Returns the code of a chat's speaker labels. It never changes, so that a model's prompt cache holds, and people can't
 * guess it. It begins with a digit that few pieces of text end with, because the answer's filter holds that digit back.
 */
export function speakerCode(secretKey: string, chatId: number): string {
  const digest = new Bun.CryptoHasher("sha256", secretKey).update(`speaker:${chatId}`);
  return `0${digest.digest("hex").slice(0, 7)}`;
}

/** Returns the label before a person's text, with the space after it: `[#1f2e3d4c anna] `. */
export function labelOf(code: string, username: string): string {
  return `[#${code} ${username}] `;
}

/**
 * Removes the code from a person's text, in any letter case, also where invisible characters stand between its digits.
 * Each occurrence is replaced by a character that is in no code, so that the rest can't form another one.
 */
export function withoutCode(text: string, code: string): string {
  const digits = [...code].join("\\p{Default_Ignorable_Code_Point}*");
  return text.replace(new RegExp(digits, "giu"), replacement);
}

/**
 * Removes labels with this code, and the bare code, from an answer that comes in pieces. The result does not depend on
 * how the answer is cut, and a text without the code stays unchanged. Only text that may still become a label is held
 * back, which is never longer than a label.
 */
export class SpeakerLabelFilter implements TextFilter {
  readonly #labels: RegExp;
  readonly #labelsOrUnfinished: RegExp;
  #held = "";

  constructor(code: string) {
    const named = `\\[#${code}(?: [^\\]\\r\\n]{0,${nameCharactersMax}})?`;
    const label = `${named}\\] ?|\\[?#?${code}`;
    const beginnings = Array.from(code.slice(1), (_, index) => code.slice(0, index + 1)).join("|");
    // At the end of the text so far: a label whose name or space may go on, or the beginning of a code.
    const unfinished = `(?!$)(?:${named}\\]?|\\[?#?(?:${beginnings})?)$`;
    this.#labels = new RegExp(label, "gi");
    this.#labelsOrUnfinished = new RegExp(`(${unfinished})|${label}`, "gi");
  }

  push(piece: string): string {
    const text = this.#held + piece;
    this.#held = "";
    return text.replace(this.#labelsOrUnfinished, (match, unfinished: string | undefined) => {
      this.#held = unfinished ?? "";
      return unfinished === undefined ? withoutLabel(match) : "";
    });
  }

  end(): string {
    const rest = this.#held.replace(this.#labels, withoutLabel);
    this.#held = "";
    return rest;
  }
}

/** The characters around a bare code must not form another one, so the code leaves a character behind. */
function withoutLabel(match: string): string {
  return /\] ?$/.test(match) ? "" : replacement;
}
