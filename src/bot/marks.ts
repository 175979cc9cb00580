// Speaker marks: `[#code name] ` stands before what a person says in a prompt, and tells the model who it is. The code
// is the server's: it is taken out of whatever people and the model write, so that nobody can forge a mark, not even
// who has learned it, and an answer never shows one.

const codeLength = 8;
/** Of a mark: `[#`, the code, a space, a name of at most 32, `] `. */
const markLengthMax = 2 + codeLength + 1 + 32 + 2;
const removed = "…";

/** The code of a chat's marks: always the same, so that a model's prompt cache holds, and unknown to people. */
export function speakerCode(secretKey: string, chatId: number): string {
  return new Bun.CryptoHasher("sha256", secretKey)
    .update(`speaker:${chatId}`)
    .digest("hex")
    .slice(0, codeLength);
}

export function markOf(code: string, name: string): string {
  return `[#${code} ${name}] `;
}

/** A text that somebody wrote, without the code in whatever case. */
export function withoutCode(text: string, code: string): string {
  return text.replaceAll(new RegExp(code, "gi"), removed);
}

/**
 * Takes echoed marks out of an answer, wherever they come and however they are cut. What may still become a mark or the
 * code is held back until it is decided.
 */
export function createMarkFilter(code: string) {
  const bare = `\\[#${code} [^\\[\\]\\n]{1,32}\\]`;
  /** What follows decides whether the space is the mark's. */
  const mark = new RegExp(`${bare}(?: |(?=[^ ]))`, "gi");
  const lastMark = new RegExp(`${bare}$`, "i");
  let held = "";

  return {
    push(piece: string): string {
      const text = (held + piece).replaceAll(mark, "");
      const from = undecidedFrom(text, code);
      held = text.slice(from);
      return withoutCode(text.slice(0, from), code);
    },
    end(): string {
      const text = withoutCode(held.replace(lastMark, ""), code);
      held = "";
      return text;
    },
  };
}

/** Where the part of a text begins that may go on as a mark, or as the code. */
function undecidedFrom(text: string, code: string): number {
  for (let from = Math.max(0, text.length - markLengthMax); from < text.length; from += 1) {
    if (mayBecomeMark(text.slice(from), code) || mayBecomeCode(text.slice(from), code)) return from;
  }
  return text.length;
}

function mayBecomeCode(tail: string, code: string): boolean {
  return tail.length < code.length && code.startsWith(tail.toLowerCase());
}

function mayBecomeMark(tail: string, code: string): boolean {
  const opening = `[#${code} `;
  const start = tail.toLowerCase();
  if (start.length <= opening.length) return opening.startsWith(start);
  // With its bracket closed it waits for the space behind it.
  return start.startsWith(opening) && /^[^[\]\n]{1,32}\]?$/.test(tail.slice(opening.length));
}
