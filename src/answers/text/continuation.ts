// An answer that broke off is continued by the model from the text that was kept. Asked to go on exactly where the text
// ends, models sometimes say its last words again first; what is shown must not have them twice.

/**
 * About four words. Fewer may well come twice on purpose ("that that", a name, a bullet of a list), and a few letters by
 * chance; so many in a row, and just those that the text ends with, do not.
 */
const repetitionCharactersMin = 20;
/** A long paragraph. Bounds what is held back: about a second of an answer. */
const repetitionCharactersMax = 400;

export interface Continuation {
  /** Takes the next piece of what the model says and returns what goes on after the kept text: "" while that is open. */
  push(piece: string): string;
  /** What was still held back, without the repetition. */
  end(): string;
}

/**
 * Takes the repetition of the end of `kept` off a continuation that begins with one, the longest there is; everything
 * else passes as it is. However the continuation is cut into pieces, the result is that of the whole. Held back are at
 * most {@link repetitionCharactersMax} characters, and only at the beginning, while they are the text's own words.
 */
export function createContinuation(kept: string): Continuation {
  const tail = kept.slice(-repetitionCharactersMax);
  let held = "";
  let isOpen = true;

  function settle(): string {
    const rest = held.slice(repetitionLength(tail, held));
    held = "";
    isOpen = false;
    return rest;
  }

  return {
    push(piece) {
      if (!isOpen) return piece;
      held += piece;
      return mayGrow(tail, held) ? "" : settle();
    },
    end: () => (isOpen ? settle() : ""),
  };
}

/** Whether more text could make `said` a repetition, or a longer one. */
function mayGrow(tail: string, said: string): boolean {
  // The first place is that of the longest.
  const at = tail.indexOf(said);
  const length = tail.length - at;
  return at >= 0 && length >= repetitionCharactersMin && length > said.length;
}

/** How many characters at the beginning of `said` repeat the end of `tail`; 0 for none. */
function repetitionLength(tail: string, said: string): number {
  const longest = Math.min(tail.length, said.length);
  for (let length = longest; length >= repetitionCharactersMin; length -= 1) {
    if (said.startsWith(tail.slice(-length))) return isPattern(tail, length) ? 0 : length;
  }
  return 0;
}

/**
 * Whether the text's last `length` characters come out of a pattern that it ends with: dashes, empty cells, a refrain.
 * A continuation that begins with them goes on with the pattern, and taking them off would lose text.
 */
function isPattern(tail: string, length: number): boolean {
  for (let period = 1; period <= length; period += 1) {
    const run = tail.slice(-Math.max(length, 2 * period));
    if (run.length >= 2 * period && run.slice(period) === run.slice(0, -period)) return true;
  }
  return false;
}
