/** The part of a browser's window that is used. */
interface Events {
  addEventListener?(type: string, listener: () => void): void;
  removeEventListener?(type: string, listener: () => void): void;
}

/**
 * Listens to events of the window, if there is one. `visibilitychange` is an event of the document that bubbles to the window.
 * @returns a function that ends it
 */
export function listenToWindow(types: readonly string[], listener: () => void): () => void {
  const events: Events = globalThis;
  for (const type of types) events.addEventListener?.(type, listener);
  return () => {
    for (const type of types) events.removeEventListener?.(type, listener);
  };
}
