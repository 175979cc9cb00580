/** One step that the text of an answer passes on its way from the model to the room. */
export interface TextFilter {
  /** Takes the next piece. Returns the text that can go on, which is "" while all of it is held back. */
  push(piece: string): string;
  /**
   * Returns the text that is still held back. No piece follows.
   * @param isWhole false when the answer broke off
   */
  end(isWhole: boolean): string;
}

/** Makes one filter of several: each receives the text that the filter before it lets through. */
export function inSequence(filters: readonly TextFilter[]): TextFilter {
  const pushInto = (filter: TextFilter, text: string) => (text === "" ? "" : filter.push(text));
  return {
    push: (piece) => filters.reduce((text, filter) => pushInto(filter, text), piece),
    end: (isWhole) =>
      filters.reduce((text, filter) => pushInto(filter, text) + filter.end(isWhole), ""),
  };
}
