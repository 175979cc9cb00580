/** A fast model must not flood a room: pieces within this time leave as one. */
const gatherMs = 40;

/** Gathers pieces of text: the first leaves at once, later ones together every {@link gatherMs}. */
export function createChunks(emit: (chunk: string) => void) {
  let gathered = "";
  let timer: ReturnType<typeof setTimeout> | undefined;

  function leave() {
    if (gathered === "") return;
    const chunk = gathered;
    gathered = "";
    emit(chunk);
  }

  function beginPause() {
    timer = setTimeout(() => {
      timer = undefined;
      if (gathered === "") return;
      // Also what comes right after these has to wait.
      beginPause();
      leave();
    }, gatherMs);
  }

  return {
    add(text: string) {
      gathered += text;
      if (timer !== undefined) return;
      beginPause();
      leave();
    },
    flush() {
      clearTimeout(timer);
      timer = undefined;
      leave();
    },
  };
}
