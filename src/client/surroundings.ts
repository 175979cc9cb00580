/** As much of a browser's window as is used. */
interface Events {
  addEventListener?(type: string, listener: () => void): void;
  removeEventListener?(type: string, listener: () => void): void;
}

// The second one is the document's, and comes by here.
const types = ["online", "visibilitychange"];

/** Calls `wake` when the network is back or a page is looked at again. @returns a function that ends it */
export function watchSurroundings(wake: () => void): () => void {
  const events: Events = globalThis;
  for (const type of types) events.addEventListener?.(type, wake);
  return () => {
    for (const type of types) events.removeEventListener?.(type, wake);
  };
}
