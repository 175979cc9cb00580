// Speaker marks: what the server writes before every message of a person in a prompt, so that the model knows who
// speaks. A mark counts for its code only, which nobody in the room may know. In case somebody learns it all the same,
// it is taken out of people's texts; and since models copy what they see, it is taken out of answers too.

const replacement = "…";
/** A name's longest is 32; a model may write more names into one mark. */
const nameCharactersMax = 80;

/**
 * The code of a chat's speaker marks: always the same, so that a model's prompt cache holds, and unknown to people. It
 * begins with a digit that few pieces of text end with, since an answer's filter holds that one back.
 */
export function speakerCode(secretKey: string, chatId: number): string {
  const digest = new Bun.CryptoHasher("sha256", secretKey).update(`speaker:${chatId}`);
  return `0${digest.digest("hex").slice(0, 7)}`;
}

/** The mark before what somebody wrote, with the space after it: `[#1f2e3d4c anna] `. */
export function markOf(code: string, username: string): string {
  return `[#${code} ${username}] `;
}

/**
 * A person's own text without the code, in whatever letter case it is and also where characters that nobody sees stand
 * between its digits. Each is replaced by a character that is in no code, so that what is left can't make another.
 */
export function withoutCode(text: string, code: string): string {
  const digits = [...code].join("\\p{Default_Ignorable_Code_Point}*");
  return text.replace(new RegExp(digits, "giu"), replacement);
}

export interface MarkFilter {
  /** Takes the next piece of an answer and returns what can be shown: "" where all may still become a mark. */
  push(piece: string): string;
  /** What was still held back. */
  end(): string;
}

/**
 * Takes marks with this code, and the bare code, out of an answer that comes in pieces. However it is cut, the result is
 * that of the whole text, and a text without the code stays as it is. Held back is only what may still become a mark:
 * never more than a mark's length.
 */
export function createMarkFilter(code: string): MarkFilter {
  const named = `\\[#${code}(?: [^\\]\\r\\n]{0,${nameCharactersMax}})?`;
  const mark = `${named}\\] ?|\\[?#?${code}`;
  const beginnings = Array.from(code.slice(1), (_, index) => code.slice(0, index + 1)).join("|");
  // At the end of what is there: a mark whose name or space may go on, or the beginning of a code.
  const unfinished = `(?!$)(?:${named}\\]?|\\[?#?(?:${beginnings})?)$`;
  const marks = new RegExp(mark, "gi");
  const marksOrUnfinished = new RegExp(`(${unfinished})|${mark}`, "gi");
  /** What stood around a bare code must not make another. */
  const without = (match: string) => (/\] ?$/.test(match) ? "" : replacement);
  let held = "";

  return {
    push(piece) {
      const text = held + piece;
      held = "";
      return text.replace(marksOrUnfinished, (match, unfinishedMark: string | undefined) => {
        held = unfinishedMark ?? "";
        return unfinishedMark === undefined ? without(match) : "";
      });
    },
    end() {
      const rest = held.replace(marks, without);
      held = "";
      return rest;
    },
  };
}
