/** As much of a browser's window and document as is used. */
interface Events {
  addEventListener(type: string, listener: () => void): void;
  removeEventListener(type: string, listener: () => void): void;
}

/** Calls `wake` when the network is back or a page is looked at again. @returns a function that ends it */
export function watchSurroundings(wake: () => void): () => void {
  const { window, document } = globalThis as {
    window?: Events;
    document?: Events & { visibilityState?: string };
  };
  const seen = () => {
    if (document?.visibilityState === "visible") wake();
  };
  window?.addEventListener("online", wake);
  document?.addEventListener("visibilitychange", seen);
  return () => {
    window?.removeEventListener("online", wake);
    document?.removeEventListener("visibilitychange", seen);
  };
}
