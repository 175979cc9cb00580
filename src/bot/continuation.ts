// An answer that broke off is continued by the model from its last character. A model sometimes says its last words
// once more: what repeats the end of the kept text is taken out.

/** Shorter repetitions may be meant, and longer ones too where they are of a few words only: "ha ha ha", a table's rule. */
const repeatedMin = 20;
const differentWordsMin = 3;
/** A model repeats a sentence or two, not its whole answer. */
const repeatedMax = 400;

/** @param kept the text that is continued; "" for an answer that only begins, which passes as it is */
export function createContinuation(kept: string) {
  const tail = kept.slice(-repeatedMax);
  let held: string | undefined = tail.length < repeatedMin ? undefined : "";

  function settle(): string {
    const text = held ?? "";
    held = undefined;
    for (let length = Math.min(text.length, tail.length); length >= repeatedMin; length -= 1) {
      const start = text.slice(0, length);
      if (tail.endsWith(start) && hasWords(start)) return text.slice(length);
    }
    return text;
  }

  return {
    push(piece: string): string {
      if (held === undefined) return piece;
      held += piece;
      // While it runs along with the kept text it may go on to the end of that.
      return tail.includes(held) ? "" : settle();
    },
    end: settle,
  };
}

function hasWords(text: string): boolean {
  return new Set(text.match(/[\p{L}\p{N}]+/gu)).size >= differentWordsMin;
}
